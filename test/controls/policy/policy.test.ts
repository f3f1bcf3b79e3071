import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { policy } from '../../../src/controls/policy/index.ts';
import { compile, type Rules, schema } from '../../../src/controls/policy/rules.ts';
import type { Caller, Result } from '../../../src/core/call.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import type { Json } from '../../../src/lib/json/types.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { caller, callOf, PINNED, thing } from './fixtures.ts';

interface Case {
  name: string;
  policy?: unknown;
  cedar?: string;
  caller?: Partial<Caller>;
  call: string;
  uri?: string;
  args?: Json;
  at?: string;
  expect: string;
  listed?: boolean;
}
interface FaultCase {
  name: string;
  policy?: unknown;
  cedar?: string;
  path?: (string | number)[];
  message: string;
  fix?: string;
}

const STATE = memoryState(() => 0);
const read = (file: string) => parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
const rulesOf = (config: unknown, cedar?: string): Rules =>
  compile(schema.parse(config ?? []), {
    pinned: PINNED,
    cedar: cedar === undefined ? [] : [{ file: 'policies/a.cedar', text: cedar }],
  });
const LOCAL = caller({ how: 'local' });

for (const file of ['grants.case.yaml', 'own.case.yaml', 'strength.case.yaml']) {
  describe(file, () => {
    it.each(read(file) as Case[])('$name', (row) => {
      const rules = rulesOf(row.policy, row.cedar);
      const found = thing(row.call);
      const target = row.uri === undefined ? found : { ...found, uri: row.uri };
      const at = Date.parse(row.at ?? '2026-11-20T12:00:00Z');
      const args = row.args === undefined ? {} : { args: row.args };
      const who = caller(row.caller);
      const call = callOf(target, found.upstream, who, { at, ...args });
      // What the core hands to a control is always an argument value; "not known" is what a listing has.
      const verdict =
        row.args === undefined && row.expect === 'policy.failed'
          ? policy.decide!({ ...call, family: 'complete' }, rules, STATE)
          : policy.decide!(call, rules, STATE);
      const said = verdict as { kind: string; code?: string; ask?: string };
      expect(said.code ?? (said.ask === 'policy.ask' ? 'ask' : said.kind)).toBe(row.expect);
      const listed = rules.may('list', who, found, { at, upstream: found.upstream });
      expect(listed.allow).toBe(row.listed ?? true);
    });
  });
}

describe('a credential that is good for less than its caller', () => {
  it('shares no answer with one that is good for all, in whichever order they ask', () => {
    const names = ['files.read_text_file', 'files.write_file', 'warehouse.run_query'];
    const rules = rulesOf([{ to: { subject: 'alice' }, allow: names }]);
    const [all, some] = [caller(), caller({ tools: [names[1]!] })];
    for (const who of [all, some, all, some]) {
      const seen = names.filter((name) => {
        const { upstream } = thing(name);
        return rules.may('list', who, thing(name), { at: 0, upstream }).allow;
      });
      expect(seen).toEqual(who === all ? names : [names[1]]);
      const route = (name: string) => rules.may('list', who, { kind: 'route', name }, { at: 0, upstream: name }).allow;
      expect([route('files'), route('warehouse')]).toEqual([true, who === all]);
    }
  });
});

describe('faults.case.yaml', () => {
  it.each(read('faults.case.yaml') as FaultCase[])('$name', (row) => {
    let fault: unknown;
    try {
      rulesOf(row.policy, row.cedar);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(RulesFault);
    const { message, fix, path } = fault as RulesFault;
    expect(message).toContain(row.message);
    expect(fix).toContain(row.fix ?? '');
    expect(fix).not.toBe('');
    if (row.path) expect(path).toEqual(row.path);
  });
});

describe('the schema of the block', () => {
  it('is empty by default', () => expect(schema.parse(undefined)).toEqual([]));
  it.each([
    ['an unknown key', [{ to: 'local', alow: ['files.x'] }]],
    ['no thing', [{ to: 'local' }]],
    ['no one', [{ to: {}, allow: ['files.x'] }]],
    ['another word', [{ to: 'everyone', allow: ['files.x'] }]],
    ['an unknown fact', [{ to: { name: 'alice' }, allow: ['files.x'] }]],
    ['no bound', [{ to: 'local', allow: ['files.x'], when: { args: { a: {} } } }]],
    ['half a number', [{ to: 'local', allow: ['files.x'], when: { args: { a: 1.5 } } }]],
  ])('refuses %s', (_, config) => expect(schema.safeParse(config).success).toBe(false));
});

describe('a listing', () => {
  const rules = rulesOf([
    { to: 'local', allow: ['files.read_text_file', 'files.resource:file:///data/'], ask: ['files.write_file'] },
  ]);
  const inspect = (value: Result['value'], who = LOCAL) =>
    policy.inspect!(
      callOf({ kind: 'route', name: 'files' }, 'files', who, { family: 'list', method: 'tools/list' }),
      { kind: 'result', value, bytes: new Uint8Array(1) },
      rules,
      STATE,
    );

  it('keeps what its reader may see, in its order', () => {
    const tools = ['write_file', 'list_directory', 'read_text_file'].map((name) => ({ name }));
    expect(inspect({ tools, ttlMs: 0 })).toEqual({
      kind: 'edit',
      code: 'policy.filtered',
      what: '1',
      value: { kind: 'result', value: { tools: [{ name: 'write_file' }, { name: 'read_text_file' }], ttlMs: 0 } },
    });
  });
  it('passes untouched when nothing goes', () => {
    expect(inspect({ tools: [{ name: 'read_text_file' }] })).toEqual({ kind: 'pass' });
    expect(inspect({ serverInfo: {} })).toEqual({ kind: 'pass' });
  });
  it('drops resources and templates alike', () => {
    const verdict = inspect({
      resources: [{ uri: 'file:///data/' }, { uri: 'file:///data/unreviewed' }],
      resourceTemplates: [{ uriTemplate: 'file:///data/{name}' }],
    });
    expect(verdict).toMatchObject({
      what: '2',
      value: { value: { resources: [{ uri: 'file:///data/' }], resourceTemplates: [] } },
    });
  });
  it('drops what has no name', () => {
    expect(inspect({ tools: [null, 'read_text_file', {}, { name: 1 }] })).toMatchObject({ what: '4' });
  });
  it('is for whoever may see anything behind the route', () => {
    const list = (who: Caller, upstream: string) =>
      policy.decide!(callOf({ kind: 'route', name: 'r' }, upstream, who, { family: 'list' }), rules, STATE);
    expect(list(LOCAL, 'files')).toEqual({ kind: 'pass' });
    expect(list(LOCAL, 'github')).toMatchObject({ kind: 'stop', code: 'policy.denied' });
    expect(list(caller(), 'files')).toMatchObject({ kind: 'stop', code: 'policy.denied' });
  });
});

describe('the cache', () => {
  it('keeps things apart whose policies read the same', () => {
    const rules = rulesOf([
      { to: 'local', allow: ['files.read_text_file'] },
      { to: { via: 'jwt' }, allow: ['files.write_file'] },
    ]);
    const may = (name: string) => rules.may('list', LOCAL, thing(name), { at: 0, upstream: 'files' }).allow;
    expect([may('files.read_text_file'), may('files.write_file'), may('files.read_text_file')]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('a resource', () => {
  it('is judged by the URI that is asked for, each time', () => {
    const rules = rulesOf(
      [{ to: 'local', allow: ['files.resource:file:///data/'] }],
      'forbid(principal, action == Action::"call", resource is Resource) when { resource has uri && resource.uri like "*secret*" };',
    );
    const read = (name: string) => {
      const target = { ...thing('files.resource:file:///data/'), uri: `file:///data/${name}` };
      return rules.may('call', LOCAL, target, { args: {}, at: 0, upstream: 'files' }).allow;
    };
    expect(['a', 'secret', 'a', 'secret'].map(read)).toEqual([true, false, true, false]);
  });
});

describe('explain', () => {
  it('names what decided', () => {
    const rules = rulesOf(
      [
        { to: 'local', allow: ['files.write_file'] },
        { to: { subject: 'bo' }, ask: ['files.write_file'] },
      ],
      'forbid(principal, action, resource) when { principal.subject == "mallory" };',
    );
    const told = rules.explain(LOCAL, thing('files.write_file'), {}, 0);
    expect(told.call).toEqual({ allow: true, ask: false, reasons: ['policy[0].allow'] });
    expect(told.policies.map((p) => [p.id, p.effect, p.ask, p.decided])).toEqual([
      ['policy[0].allow', 'permit', false, true],
      ['policy[1].ask', 'permit', true, false],
      ['policies/a.cedar:1:1', 'forbid', false, false],
    ]);
    expect(told.policies[0]!.text).toContain('principal.how == "local"');
    const denied = rules.explain(caller({ how: 'local', subject: 'mallory' }), thing('files.write_file'), {}, 0);
    expect(denied.call).toEqual({ allow: false, ask: false, reasons: ['policies/a.cedar:1:1'] });
  });
  it('has a version that follows the text', () => {
    const one = rulesOf([{ to: 'local', allow: ['files.write_file'] }]).version;
    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(rulesOf([{ to: 'local', allow: ['files.write_file'] }]).version).toBe(one);
    expect(rulesOf([{ to: 'local', ask: ['files.write_file'] }]).version).not.toBe(one);
    expect(rulesOf([], 'forbid(principal, action, resource);').version).not.toBe(rulesOf([]).version);
  });
});
