import { describe, expect, it } from 'vitest';
import { redactJson } from '../../src/detect/secrets.ts';
import type { Json } from '../../src/lib/json/types.ts';
import { SseReader } from '../../src/wire/sse.ts';

const KEY = `ghp_${'q7Zx2KpV9mTb4RwL8sYc3NdJ6hGfA1uE5kWo'}`;
const CARD = '4111 1111 1111 1111';
const PASSWORD = 'h7!kQz9xPm2v';

/** One message as a server sends it, its text over several `data` lines where `wrapped`. */
function framed(wrapped: boolean): Buffer {
  const text = `key ${KEY}, card ${CARD}, \u5bc6\u7801\uff1a${PASSWORD} end`;
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } }, null, 1);
  return Buffer.from(
    `: hello\nid: 7\ndata: ${wrapped ? message.replaceAll('\n', '\ndata: ') : message.replaceAll('\n', '')}\n\n`,
  );
}

describe('secrets over SSE', () => {
  it.each([false, true])('go wherever a chunk cuts the stream, lines wrapped: %s', (wrapped) => {
    const bytes = framed(wrapped);
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = new SseReader(1 << 20);
      // A copy that is overwritten: what was read must not lie in it.
      const events = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((part) => {
        const chunk = Buffer.from(part);
        const read = reader.push(chunk);
        chunk.fill(0x58);
        return read;
      });
      expect(events).toHaveLength(1);
      const value = JSON.parse(Buffer.from(events[0]!.data).toString('utf8')) as Json;
      const clean = JSON.stringify(redactJson(value).value);
      expect(clean).toContain(
        '[redacted github-token], card [redacted card-number], \u5bc6\u7801\uff1a[redacted password] end',
      );
    }
  });
});
