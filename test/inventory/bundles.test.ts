import { describe, expect, it } from 'vitest';
import type { Pinned } from '../../src/core/call.ts';
import { RulesFault } from '../../src/core/rules.ts';
import { compile, schema } from '../../src/inventory/bundles.ts';
import { Holds } from '../../src/inventory/holds.ts';
import { shelf } from '../../src/inventory/shelf.ts';
import { TOOL } from '../core/fakes.ts';

const pin = (upstream: string, name: string, kind: Pinned['kind'] = 'tool'): Pinned => ({
  ...TOOL,
  kind,
  upstream,
  name,
  descriptor: { name, inputSchema: { type: 'object' } },
});
const PINNED = [pin('files', 'read'), pin('files', 'write'), pin('notes', 'read'), pin('notes', 'greet', 'prompt')];
const made = (...tools: unknown[]) => compile({ desk: schema.parse({ tools }) }, ['files', 'notes'], PINNED);

describe('a bundle', () => {
  it('keeps the order that was written, and gives other names', () => {
    const things = made('notes.read', { tool: 'files.read', as: 'read_file' }, 'files.write').get('desk')!;
    expect(
      [...things].map(([name, { upstream, name: own, descriptor }]) => [name, upstream, own, descriptor.name]),
    ).toEqual([
      ['read', 'notes', 'read', 'read'],
      ['read_file', 'files', 'read', 'read_file'],
      ['write', 'files', 'write', 'write'],
    ]);
  });

  it.each([
    [
      'names that collide',
      () => made('files.read', 'notes.read'),
      1,
      /`read` is the name of files\.read here/,
      /as: notes_read/,
    ],
    ['the same tool twice', () => made('files.read', 'files.read'), 1, /is the name of files\.read/, /as: /],
    ['a new name that collides', () => made('files.read', { tool: 'files.write', as: 'read' }), 1, /`read`/, /as: /],
    [
      'what is not reviewed',
      () => made('files.delete_it_all'),
      0,
      /not a tool in doorward\.lock/,
      /doorward review files/,
    ],
    ['a slip', () => made('files.raed'), 0, /not a tool/, /did you mean `files\.read`/],
    ['what is no tool', () => made('notes.greet'), 0, /not a tool/, /./],
    ['wildcards', () => made('files.*'), 0, /not a tool/, /./],
  ])('refuses %s, and says how to mend it', (_what, make, index, message, fix) => {
    try {
      make();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RulesFault);
      const { path, message: said, fix: hint } = error as RulesFault;
      expect(path).toEqual(['bundles', 'desk', 'tools', index]);
      expect(said).toMatch(message);
      expect(hint).toMatch(fix);
    }
  });

  it('refuses the name of an upstream', () => {
    expect(() => compile({ files: schema.parse({ tools: ['notes.read'] }) }, ['files', 'notes'], PINNED)).toThrow(
      /is an upstream too/,
    );
  });

  it.each([
    [[]],
    [[{ tool: 'files.read', as: '' }]],
    [[{ tool: 'files.read', as: 'a b' }]],
    [[{ tool: 'a.b', to: 'c' }]],
  ])('refuses the form %j', (tools) => expect(schema.safeParse({ tools }).success).toBe(false));
});

describe('on the shelf', () => {
  const holds = new Holds();
  const bundles = made('notes.read', { tool: 'files.read', as: 'read_file' });
  const shelved = shelf({ upstreams: new Map([['files', { things: PINNED }]]) }, holds, bundles);
  const find = (name: string) => shelved.find('desk', 'call', 'tools/call', name);

  it('a name leads to the tool of its upstream, and no other name does', () => {
    expect(find('read_file')).toMatchObject({ kind: 'pinned', target: { upstream: 'files', name: 'read' } });
    expect(find('read')).toMatchObject({ kind: 'pinned', target: { upstream: 'notes', name: 'read' } });
    for (const name of ['write', 'files.read', '']) expect(find(name)).toEqual({ kind: 'unknown' });
    expect(shelved.find('desk', 'read', 'resources/read', 'read')).toEqual({ kind: 'unknown' });
    expect(shelved.list('desk', 'tool').map(({ descriptor }) => descriptor.name)).toEqual(['read', 'read_file']);
    expect(shelved.list('desk', 'prompt')).toEqual([]);
    expect(shelved.instructions('desk')).toBeUndefined();
  });

  it('a hold of the upstream reaches into it', () => {
    holds.hold('files', 'tool', 'read');
    expect(find('read_file')).toEqual({ kind: 'held' });
    expect(shelved.list('desk', 'tool')).toHaveLength(1);
  });
});
