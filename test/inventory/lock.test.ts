import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PinKind, Pinned } from '../../src/core/call.ts';
import { descriptorDigest, pinnedPart } from '../../src/inventory/digest.ts';
import { guessFacts, READS } from '../../src/inventory/guess.ts';
import { EMPTY_LOCK, type Lock, originDigest, pins, printLock, withUpstream } from '../../src/inventory/lock.ts';
import { LockError, parseLock } from '../../src/inventory/parse.ts';
import { parseJson, REPLY_CAPS } from '../../src/lib/json/scan.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';

function pin(kind: PinKind, descriptor: JsonObject, more: Partial<Pinned> = {}): Pinned {
  const name = String(descriptor[kind === 'resource' ? 'uri' : kind === 'template' ? 'uriTemplate' : 'name']);
  const facts = kind === 'tool' ? guessFacts(descriptor) : READS;
  return {
    kind,
    upstream: 'files',
    name,
    digest: descriptorDigest(kind, descriptor),
    descriptor,
    facts,
    exceptions: {},
    ...more,
  };
}

const tool = {
  name: 'read_file',
  description: 'Read:\n"x" # {a} \u202e\u{e0041}',
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
};
const LOCK: Lock = withUpstream(EMPTY_LOCK, 'files', {
  package: { name: '@a/files', version: '1.2.3', digest: `sha256:${'0'.repeat(64)}` },
  instructions: 'First line\n\n  - second: "line" \u200b',
  things: [
    pin('template', { uriTemplate: 'file:///{path}', name: 't' }),
    pin('tool', tool, {
      cap: 1000,
      exceptions: { additional: ['/a/*'], maxString: 9000, paths: [{ pointer: '/path', root: '/data' }] },
    }),
    pin('tool', { name: 'append', inputSchema: { type: 'object' } }),
    pin('resource', { uri: 'file:///data/*', name: 'all' }),
    pin('prompt', { name: 'ask', arguments: [{ name: 'x', required: true }] }),
  ],
});

describe('the origin of an upstream', () => {
  const server = { url: 'https://mcp.example.com/mcp', pins: ['sha256/b', 'sha256/a'] };
  it('is a package or a server, and reads back as it was printed', () => {
    const lock = withUpstream(EMPTY_LOCK, 'far', { server, things: [] });
    const back = parseLock(printLock(lock)).upstreams.get('far')!;
    expect(back.server).toEqual({ ...server, pins: ['sha256/a', 'sha256/b'] });
    expect(originDigest(back)).toBe(originDigest({ server }));
    const plain = withUpstream(EMPTY_LOCK, 'far', { server: { ...server, pins: [] }, things: [] });
    expect(parseLock(printLock(plain)).upstreams.get('far')!.server).toEqual({ ...server, pins: [] });
  });
  it('has a digest that follows what it is', () => {
    const digests = [{ server }, { server: { ...server, url: 'https://x/' } }, { server: { ...server, pins: [] } }, {}];
    expect(new Set(digests.map(originDigest)).size).toBe(4);
  });
  it('may have fields that travel sealed, which its schemas name', () => {
    const seal = { results: ['/a', '/b/*/c'], arguments: ['/path'], require: true, to: ['files', 'pay'], minutes: 5 };
    const outputSchema = { properties: { a: {}, b: { items: { properties: { c: {} } } } } };
    const made = pin('tool', { ...tool, outputSchema }, { seal });
    const lock = withUpstream(withUpstream(EMPTY_LOCK, 'files', { things: [made] }), 'pay', { things: [] });
    const text = printLock(lock);
    expect(pins(parseLock(text))[0]).toMatchObject({ seal, descriptor: made.descriptor, digest: made.digest });
    for (const [from, to, fault] of [
      ['"/a"', '"/d"', 'no schema of this tool names /d'],
      ['"/path"', '"/paths"', 'no schema of this tool names /paths'],
      ['"/a"', '"a"', 'not a JSON pointer'],
      ['"pay"]', '"pey"]', 'no upstream `pey` here'],
      ['"minutes":5', '"minutes":0', 'Too small'],
      ['"require":true', '"required":true', 'nrecognized'],
    ] as const)
      expect(() => parseLock(text.replace(from, to))).toThrow(fault);
  });
  it('may be another agent, by whatever id it has', () => {
    for (const agent of ['billing', 'spiffe://acme.example/bots/billing', 'a: b, c }', '"x"']) {
      const facts = { ...READS, agent };
      const lock = withUpstream(EMPTY_LOCK, 'bots', { things: [pin('tool', tool, { facts })] });
      expect(pins(parseLock(printLock(lock)))[0]!.facts).toEqual(facts);
    }
    const read = printLock(
      withUpstream(EMPTY_LOCK, 'bots', {
        things: [pin('resource', { uri: 'bot://ask/*' }, { facts: { ...READS, agent: 'a' } })],
      }),
    );
    expect(() => parseLock(read)).toThrow('as a tool or a prompt');
    const hidden = printLock(LOCK).replace('sendsOut: true', 'sendsOut: true, agent: "a\\u200b"');
    expect(() => parseLock(hidden)).toThrow('the id of an agent');
  });
  it('may be shared by callers where it is a package that a person found stateless', () => {
    const lock = withUpstream(LOCK, 'files', { ...LOCK.upstreams.get('files')!, stateless: true });
    expect(printLock(lock)).toContain('\n    stateless: true\n');
    expect(parseLock(printLock(lock)).upstreams.get('files')!.stateless).toBe(true);
    expect(parseLock(printLock(LOCK)).upstreams.get('files')).not.toHaveProperty('stateless');
    const far = withUpstream(EMPTY_LOCK, 'far', { server, stateless: true, things: [] });
    expect(() => parseLock(printLock(far))).toThrow(/only a package is shared/);
  });
  it('is never both', () => {
    const pack = { name: 'x', version: '1.0.0', digest: `sha256:${'0'.repeat(64)}` };
    const text = printLock(withUpstream(EMPTY_LOCK, 'far', { server, package: pack, things: [] }));
    expect(() => parseLock(text)).toThrow(LockError);
  });
});

describe('doorward.lock', () => {
  it('reads back what it prints, in one order', () => {
    const text = printLock(LOCK);
    const back = parseLock(text);
    expect(printLock(back)).toBe(text);
    expect(back.upstreams.get('files')!.instructions).toBe(LOCK.upstreams.get('files')!.instructions);
    expect(pins(back).map((thing) => `${thing.kind} ${thing.name}`)).toEqual([
      'tool append',
      'tool read_file',
      'prompt ask',
      'resource file:///data/*',
      'template file:///{path}',
    ]);
    expect(pins(back)[1]).toEqual(LOCK.upstreams.get('files')!.things.find((thing) => thing.name === 'read_file'));
    expect(printLock(parseLock(printLock(EMPTY_LOCK)))).toBe(printLock(EMPTY_LOCK));
  });

  it('shows a reader every character', () => {
    expect(printLock(LOCK)).toContain('\\u202e\\udb40\\udc41');
    expect(printLock(LOCK)).not.toMatch(/[\u202e\u200b]/);
  });

  it('keeps numbers by their digits', () => {
    const read = parseJson(Buffer.from('{"name":"n","inputSchema":{"maximum":18446744073709551615}}'), REPLY_CAPS);
    const lock = withUpstream(EMPTY_LOCK, 'u', {
      things: [pin('tool', (read as { value: JsonObject }).value, { upstream: 'u' })],
    });
    expect(printLock(lock)).toContain('18446744073709551615');
    expect(parseLock(printLock(lock))).toEqual(lock);
  });

  it('freezes what it reads', () => {
    const [thing] = pins(parseLock(printLock(LOCK)));
    expect(() => ((thing!.descriptor as JsonObject).name = 'x')).toThrow(TypeError);
  });

  const BAD: readonly (readonly [string, (text: string) => string, number, RegExp])[] = [
    ['a description edited by hand', (t) => t.replace('Read:', 'Reads:'), 0, /does not belong to this descriptor/],
    [
      'a digest edited by hand',
      (t) => t.replace(/(digest: sha256:).(.*)(?=\n +facts)/, '$1f$2'),
      0,
      /does not belong|descriptor/,
    ],
    [
      "a name that is not the descriptor's",
      (t) => t.replace('- name: "append"', '- name: "appends"'),
      18,
      /differs from the name/,
    ],
    [
      'a member that is not pinned',
      (t) => t.replace('"name": "append",', '"name": "append",\n            "_meta": {},'),
      0,
      /not pinned/,
    ],
    ['an unknown key', (t) => t.replace('        cap: 1000', '        cup: 1000'), 0, /[Uu]nrecognized/],
    ['a fact that is no boolean', (t) => t.replace('reads: true', 'reads: yes'), 0, /boolean/],
    ['no facts at all', (t) => t.replace(/ +facts: .*\n/, ''), 0, /object|required|[Ii]nvalid/],
    ['a pointer that is none', (t) => t.replace('"/a/*"', '"a"'), 0, /JSON pointer/],
    ['another version', (t) => t.replace('doorward-lock: 1', 'doorward-lock: 2'), 3, /./],
    ['a name twice', (t) => t + t.slice(t.indexOf('    templates:')).replace('    templates:\n', ''), 0, /twice/],
    ['a key twice', (t) => t.replace('        cap: 1000', '        cap: 1000\n        cap: 1000'), 0, /unique/],
    [
      'an alias',
      (t) => t.replace('name: "@a/files"', 'name: &a "@a/files"').replace('version: "1.2.3"', 'version: *a'),
      0,
      /alias/,
    ],
    ['no YAML', () => 'a: [', 1, /./],
    ['nothing', () => '', 1, /./],
    [
      'duplicate names in a descriptor',
      (t) => t.replace('"name": "append",', '"name": "append", "name": "append",'),
      0,
      /JSON object/,
    ],
  ];
  it.each(BAD)('refuses %s, with line and fix', (_, change, line, message) => {
    const text = printLock(LOCK);
    const changed = change(text);
    expect(changed).not.toBe(text);
    let thrown: unknown;
    try {
      parseLock(changed);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(LockError);
    const { faults } = thrown as LockError;
    expect(faults.map((fault) => fault.message).join(' ')).toMatch(message);
    for (const fault of faults) expect(fault.fix).not.toBe('');
    if (line > 0) expect(faults[0]!.line).toBe(line);
    else expect(faults[0]!.line).toBeGreaterThanOrEqual(1);
  });

  it('survives any text in names and descriptions', () => {
    const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((s) => s.isWellFormed());
    fc.assert(
      fc.property(word, word, fc.option(word), (name, description, instructions) => {
        const descriptor = { name, description, inputSchema: { type: 'object', description } };
        const lock = withUpstream(EMPTY_LOCK, 'files', {
          things: [pin('tool', descriptor)],
          ...(instructions !== null && { instructions }),
        });
        expect(parseLock(printLock(lock))).toEqual(lock);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is pinned', () => {
  it('counts everything that is shown, and nothing else', () => {
    const digest = descriptorDigest('tool', tool);
    for (const member of [
      'title',
      'description',
      'inputSchema',
      'outputSchema',
      'annotations',
      'icons',
      'execution',
      'name',
    ]) {
      expect(descriptorDigest('tool', { ...tool, [member]: 'other' })).not.toBe(digest);
    }
    expect(descriptorDigest('tool', { ...tool, _meta: { at: 1 }, later: true })).toBe(digest);
    expect(Object.keys(pinnedPart('tool', { ...tool, _meta: {}, later: 1 }))).toEqual([
      'name',
      'description',
      'inputSchema',
    ]);
    expect(descriptorDigest('prompt', { name: 'a' })).not.toBe(descriptorDigest('tool', { name: 'a' }));
  });
});
