/**
 * One schema for types, validation, editor completion and docs. Each room brings its own block (`rules.ts`);
 * this file only puts them together.
 */
import { z } from 'zod';
import { schema as approval } from '../controls/approval/rules.ts';
import { schema as input } from '../controls/input/rules.ts';
import { schema as limits } from '../controls/limits/rules.ts';
import { schema as output } from '../controls/output/rules.ts';
import { flows, schema as policy, tasks } from '../controls/policy/rules.ts';
import { schema as redact } from '../controls/redact/rules.ts';
import { schema as screen } from '../controls/screen/rules.ts';
import { schema as listen } from '../doors/rules.ts';
import { schema as identity } from '../identity/rules.ts';
import { schema as bundle } from '../inventory/bundles.ts';
import { parseDuration } from '../lib/time.ts';
import { schema as secrets } from '../secrets/rules.ts';
import { schema as upstream } from '../upstreams/rules.ts';

/** Choices that lower the guard, named for their risk. Shown by `check`, `doctor` and every start until removed. */
export const RISKS = {
  'run-as-root': 'the gateway runs as root: a flaw in it is a flaw in the whole machine',
  'untyped-tokens': 'an issuer has no type for access tokens: another JWT of it with the right audience counts as one',
  'bearer-only': 'a key or token alone proves who calls from elsewhere: whoever steals one is that caller',
} as const;
export type Risk = keyof typeof RISKS;

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'not a duration; write 500ms, 60s, 10m or 24h' });
  return z.NEVER;
});

/** A name that can stand in a URL path, a file name and a policy line. */
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'use lower-case letters, digits and -, at most 32, a letter first')
  .refine((text) => text !== 'healthz', '`healthz` is the path of the health check');

const blocks = z.strictObject({
  doorward: z.literal(1).describe('version of this file format'),
  state: z
    .string()
    .min(1)
    .default('.doorward')
    .describe('folder of token, keys, audit log and packages, relative to this file'),
  listen,
  identity,
  secrets,
  upstreams: z.record(name, upstream).describe('the MCP servers behind the gate; each gets its own path'),
  bundles: z.record(name, bundle).default({}).describe('tools of several upstreams under one path'),
  calls: z
    .strictObject({
      idle: duration.prefault('60s').describe('a call that hears nothing for so long ends'),
      hard: duration.prefault('5m').describe('no call lasts longer'),
    })
    .prefault({}),
  limits,
  input,
  policy,
  flows,
  tasks,
  screen,
  redact,
  approval,
  output,
  console: z
    .strictObject({
      port: z.int().min(0).max(65_535).default(8809).describe('TCP port on 127.0.0.1; 0 takes a free one'),
    })
    .optional()
    .describe('pages for people, on a listener of their own; none without this block'),
  unsafe: z
    .partialRecord(z.enum(Object.keys(RISKS) as [Risk, ...Risk[]]), z.string().min(8, 'say why, in a few words'))
    .default({})
    .describe('risks taken by name, each with a reason'),
});

export const schema = blocks.superRefine(({ listen: { tls }, identity }, context) => {
  if (tls?.clients !== undefined || identity.spiffe !== undefined) return;
  for (const name of ['required', 'crl'] as const)
    if (tls?.[name])
      context.addIssue({
        code: 'custom',
        message: `\`${name}\` needs \`clients\` or \`identity.spiffe\`: the authorities whose certificates count`,
        path: ['listen', 'tls', name],
      });
});

export type Config = z.infer<typeof schema>;

/** JSON Schema (2020-12) for editors. */
export function jsonSchema(): object {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
}
