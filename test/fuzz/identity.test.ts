/** The parsers that read what strangers send to prove who they are: they answer, or say no, and nothing else. */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Once } from '../../src/identity/once.ts';
import { jwtParts } from '../../src/identity/parts.ts';
import { meshPeer, parseClientCert } from '../../src/identity/proxies/mesh.ts';
import { component, digestFits } from '../../src/identity/signatures/base.ts';
import { signRequest } from '../../src/identity/signatures/sign.ts';
import { NONCES, signer } from '../../src/identity/signatures/verify.ts';
import { BundleFault, parseBundle } from '../../src/identity/spiffe/bundle.ts';
import { DerFault, elements, extensionsOf } from '../../src/identity/spiffe/der.ts';
import { parseSpiffeId } from '../../src/identity/spiffe/id.ts';
import { mapOf } from '../../src/identity/spiffe/protobuf.ts';
import { parseDictionary, writeDictionary } from '../../src/wire/structured.ts';
import { message } from '../identity/spiffe/agent.ts';
import { corpus, fuzz, JSON_TOKENS, near, TIMEOUT } from './fuzz.ts';

const INPUT =
  'sig=("@method" "@target-uri" "content-digest");created=1800000000;expires=1800000030;nonce="0123456789abcdef";keyid="k";alg="hmac-sha256";tag="doorward"';
const FIELDS = [INPUT, 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:', 'a=1.5;b, c=(x "y" ?1);z'];
const FIELD_TOKENS = [
  '"',
  '(',
  ')',
  ':',
  ';',
  ',',
  '=',
  '?1',
  '\\',
  ' ',
  '\t',
  '*',
  '-',
  '.',
  '\x7f',
  'sig',
  '@query',
  '1e9',
];

function structured(bytes: Buffer): void {
  const text = bytes.toString('latin1');
  const read = parseDictionary(text);
  if (read) expect(parseDictionary(writeDictionary(read))).toEqual(read);
  digestFits(text, bytes);
}

const CERT = 'By=spiffe://a.b/x;Hash=0a1b;Subject="CN=\\"x\\",O=y";URI=spiffe://cluster.local/ns/a/sa/b';
function clientCert(bytes: Buffer): void {
  const text = bytes.toString('latin1');
  const id = meshPeer('istio', text, ['cluster.local']);
  if (id === undefined) return;
  // Whatever is believed is one id, in one element, under the domain that is configured.
  expect(parseClientCert(text)!.get('uri')).toEqual([id]);
  expect(parseSpiffeId(id)!.trustDomain).toBe('cluster.local');
  expect(new URL(id).host).toBe('cluster.local');
}

function der(bytes: Buffer): void {
  for (const read of [elements, extensionsOf])
    try {
      read(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(DerFault);
    }
}
const MAP = message(2, { 'spiffe://a': Buffer.from('x'), 'spiffe://b': Buffer.alloc(200) }).toString('latin1');
const DER = Buffer.from('3012300c0603551d0f0101ff0402030203020780', 'hex').toString('latin1');

describe('fuzzing identity', () => {
  it('keeps what was found', () => corpus('identity').forEach(structured));
  it('structured fields', { timeout: TIMEOUT }, () => fuzz(near(FIELDS, FIELD_TOKENS), structured));
  it('certificates that are forwarded', { timeout: TIMEOUT }, () =>
    fuzz(near([CERT], [...FIELD_TOKENS, 'URI=', ';URI=', '",']), clientCert),
  );
  it('DER', { timeout: TIMEOUT }, () =>
    fuzz(near([DER], ['\x30', '\x80', '\x84', '\xff', '\x06\x03\x55\x1d\x11']), der),
  );
  it('protocol buffers', { timeout: TIMEOUT }, () =>
    fuzz(near([MAP], ['\x12', '\x0a', '\x80', '\xff', '\x0b']), (bytes) => {
      try {
        for (const value of mapOf(bytes, 2).values()) expect(value.length).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
  );
  it('bundles and tokens', { timeout: TIMEOUT }, () =>
    fuzz(
      near(
        ['{"keys":[{"kty":"EC","use":"jwt-svid","kid":"k","crv":"P-256","x":"","y":""}],"spiffe_sequence":1}'],
        JSON_TOKENS,
      ),
      (bytes) => {
        try {
          parseBundle(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(BundleFault);
        }
        jwtParts(`${bytes.toString('base64url')}.${bytes.toString('base64url')}.${bytes.toString('latin1')}`);
      },
    ),
  );

  it('no request but the one that was signed', { timeout: TIMEOUT }, async () => {
    const key = createSecretKey(Buffer.alloc(32, 1));
    const caller = {} as never;
    const rules = {
      tag: 'doorward',
      keys: new Map([['k', { id: 'k', algorithm: 'hmac-sha256' as const, key, caller }]]),
    };
    const at = 1_800_000_000_000;
    const url = 'https://gate.example/files?a=1';
    const headers = { 'content-type': 'application/json', 'mcp-method': 'tools/call' };
    const made = signRequest(
      { method: 'POST', url, headers, body: '{}' },
      { id: 'k', algorithm: 'hmac-sha256', key, at, nonce: 'n'.repeat(16) },
    );
    const all: Record<string, string> = { ...headers, ...made };
    const names = Object.keys(all);
    const change = fc.tuple(fc.constantFrom(...names), near(Object.values(all), FIELD_TOKENS));
    const cases: [string, Buffer][] = [];
    fuzz(change, (one) => void (cases.length < 5000 && cases.push(one)));
    for (const [name, bytes] of cases) {
      const value = bytes.toString('latin1');
      const sent: Record<string, string> = { ...all, [name]: value };
      const request = {
        method: 'POST',
        scheme: 'https' as const,
        authority: 'gate.example',
        target: '/files?a=1',
        header: (one: string) => sent[one],
        body: async () => Buffer.from('{}'),
      };
      const said = await signer(request, rules, new Once(NONCES), at);
      if (typeof said !== 'object') continue;
      // Accepted: every component has the value that was signed, whatever the spelling of the two headers.
      for (const one of names.slice(0, 3)) expect(component(one, request)).toBe(all[one]);
    }
    expect(cases.length).toBeGreaterThan(50);
  });
});
