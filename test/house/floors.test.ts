import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The floors, top last. A room imports only from lower floors, never from its own (house.md). */
const FLOORS: readonly (readonly string[])[] = [
  ['lib'],
  ['core'],
  ['wire', 'detect', 'net'],
  ['identity', 'inventory', 'controls', 'secrets', 'audit', 'observe', 'store', 'kit'],
  ['doors', 'upstreams', 'agent-memory'],
  ['config'],
  ['gateway'],
  ['console', 'issuer'],
  ['cli'],
];
/** Rooms that may see less than their floor. A control sees no other control. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  controls: ['core', 'detect', 'lib'],
  kit: ['lib', 'core', 'net'],
};

const SRC = resolve(import.meta.dirname, '../../src');
const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.includes(room));

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? files(join(dir, e.name)) : e.name.endsWith('.ts') ? [join(dir, e.name)] : [],
  );
}

const imports = files(SRC).flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map((m) => ({
    from: relative(SRC, file),
    to: relative(SRC, resolve(dirname(file), m[1]!)),
  })),
);

describe('the floors', () => {
  it('has seen the house', () => expect(imports.length).toBeGreaterThan(20));

  it('knows every room', () => {
    const rooms = readdirSync(SRC, { withFileTypes: true }).filter(
      (e) => e.isDirectory() && files(join(SRC, e.name)).length > 0,
    );
    expect(rooms.map((r) => r.name).filter((r) => floorOf(r) < 0)).toEqual([]);
  });

  it('lets a room import only from lower floors', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [a, b] = [from.split('/')[0]!, to.split('/')[0]!];
      if (a === b) return false;
      if (ONLY[a]) return !ONLY[a].includes(b);
      return floorOf(b) >= floorOf(a);
    });
    expect(wrong).toEqual([]);
  });

  it('keeps controls apart from each other', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [a, b] = [from.split('/'), to.split('/')];
      return a[0] === 'controls' && b[0] === 'controls' && a[1] !== b[1];
    });
    expect(wrong).toEqual([]);
  });

  it('has no circular imports', () => {
    const next = new Map<string, string[]>();
    for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) return void cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file)) return;
      for (const to of next.get(file) ?? []) walk(to, [...path, file]);
      done.add(file);
    };
    for (const file of next.keys()) walk(file, []);
    expect(cycles).toEqual([]);
  });
});
