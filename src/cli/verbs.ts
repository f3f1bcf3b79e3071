import type { Verb } from './verb.ts';

/** A row of the table that program, help and completion are made from. A verb's code is loaded when it is used. */
export interface VerbRow {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Verb>;
}

export const VERBS: readonly VerbRow[] = [
  {
    name: 'init',
    summary: 'find clients and servers, write a configuration; starts nothing',
    load: async () => (await import('./verbs/init.ts')).init,
  },
  {
    name: 'review',
    summary: 'list a server in its sandbox, show drift, pin what you agree to',
    load: async () => (await import('./verbs/review.ts')).review,
  },
  {
    name: 'run',
    summary: 'serve: HTTP on loopback, or --stdio for one desktop client',
    load: async () => (await import('./verbs/run.ts')).run,
  },
  {
    name: 'check',
    summary: 'check configuration, lockfile, policy and posture, offline',
    load: async () => (await import('./verbs/check.ts')).check,
  },
  {
    name: 'key',
    summary: 'API keys for callers elsewhere: create, list, rotate, revoke',
    load: async () => (await import('./verbs/key.ts')).key,
  },
  {
    name: 'secret',
    summary: 'the vault: set, list, rotate, test, remove secrets of servers; rotate its key',
    load: async () => (await import('./verbs/secret.ts')).secret,
  },
  {
    name: 'connect',
    summary: "connect a user's account at a server that wants consent",
    load: async () => (await import('./verbs/connect.ts')).connect,
  },
  {
    name: 'explain',
    summary: 'why would this call pass? no upstream is asked',
    load: async () => (await import('./verbs/explain.ts')).explain,
  },
  {
    name: 'inspect',
    summary: 'judge texts, tools, arguments, URLs and frames from stdin as the gateway would',
    load: async () => (await import('./verbs/inspect.ts')).inspect,
  },
  {
    name: 'approve',
    summary: 'calls that wait for a person: list, show, grant, deny',
    load: async () => (await import('./verbs/approve.ts')).approve,
  },
  {
    name: 'quarantine',
    summary: 'what was kept from models: list, show, release once, discard',
    load: async () => (await import('./verbs/quarantine.ts')).quarantine,
  },
  {
    name: 'halt',
    summary: 'stop an upstream, a tool, a caller or everything, at once',
    load: async () => (await import('./verbs/halt.ts')).halt,
  },
  {
    name: 'audit',
    summary: 'read and verify the audit log: tail, show, verify',
    load: async () => (await import('./verbs/audit.ts')).audit,
  },
  {
    name: 'doctor',
    summary: 'look at machine, sandbox, permissions, ports and clients; every line has a fix',
    load: async () => (await import('./verbs/doctor.ts')).doctor,
  },
];
