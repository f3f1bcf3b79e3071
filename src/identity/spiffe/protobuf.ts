/** As much of the protocol buffer wire format as a map from strings to bytes needs. Anything malformed throws. */

class Malformed extends Error {}

const MOST = 1024;

/** The entries of the field `number`, a `map<string, bytes>`; the last one of a key counts, as the format has it. */
export function mapOf(message: Uint8Array, number: number): Map<string, Uint8Array> {
  const entries = new Map<string, Uint8Array>();
  for (const entry of fields(message, number)) {
    const [key] = fields(entry, 1).slice(-1);
    const [value] = fields(entry, 2).slice(-1);
    entries.set(new TextDecoder('utf-8', { fatal: true }).decode(key ?? new Uint8Array()), value ?? new Uint8Array());
    if (entries.size > MOST) throw new Malformed('too many entries');
  }
  return entries;
}

/** The values of one length-delimited field; others are stepped over. */
function fields(message: Uint8Array, number: number): Uint8Array[] {
  const values: Uint8Array[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1, i = 0; i < 10; i++, shift *= 128) {
      const byte = message[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
    throw new Malformed('no number');
  };
  const skip = (length: number): Uint8Array => {
    if (length > message.length - at) throw new Malformed('cut off');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === 0) varint();
    else if (type === 1) skip(8);
    else if (type === 5) skip(4);
    else if (type === 2) {
      const value = skip(varint());
      if (field === number) values.push(value);
    } else throw new Malformed('no such type');
    if (values.length > MOST) throw new Malformed('too many entries');
  }
  return values;
}
