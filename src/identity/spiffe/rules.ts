/** The `identity.spiffe` block: trust domains, where their bundles come from, and who their workloads are here. */
import { z } from 'zod';
import { parseDuration } from '../../lib/time.ts';
import { facts, type StatedFacts } from '../facts.ts';
import { tenant } from '../keyfile.ts';
import { isTrustDomain, parseSpiffeId } from './id.ts';

const domain = z
  .strictObject({
    bundle: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe('file: a SPIFFE bundle (JSON), or authorities in PEM; read again when it changes'),
    'workload-api': z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('unix socket of a SPIFFE agent, such as /run/spire/agent.sock'),
    tenant: tenant.optional().describe('tenant of its workloads; `default` without'),
  })
  .refine((one) => (one.bundle === undefined) !== (one['workload-api'] === undefined), 'write bundle or workload-api');

/** `spiffe://domain/path`, or `spiffe://domain/path/*` for all below. */
const workload = z.string().refine((text) => {
  const id = parseSpiffeId(text.endsWith('/*') ? text.slice(0, -2) : text);
  return id !== undefined && (id.path !== '' || text.endsWith('/*'));
}, 'not the SPIFFE id of a workload; write spiffe://domain/path, or spiffe://domain/path/*');

const stale = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'not a duration; write 500ms, 60s, 10m or 24h' });
  return z.NEVER;
});

export const spiffe = z
  .strictObject({
    domains: z
      .record(z.string().refine(isTrustDomain, 'not a trust domain; write it in lower case, without spiffe://'), domain)
      .describe('trust domains whose workloads are known'),
    callers: z
      .record(workload, z.strictObject(facts))
      .default({})
      .describe('who a workload is here; without a row its subject is its SPIFFE id'),
    stale: stale.prefault('1h').describe('how long the last good bundle outlives a source that went bad'),
  })
  .superRefine(({ domains, callers }, context) => {
    for (const id of Object.keys(callers)) {
      const of = id.slice('spiffe://'.length).split('/', 1)[0]!;
      if (!Object.hasOwn(domains, of))
        context.addIssue({ code: 'custom', path: ['callers', id], message: `\`${of}\` is none of the domains` });
    }
  });

export type SpiffeConfig = z.infer<typeof spiffe>;

/** What is stated of a workload: its own row, or that of the nearest path above it. */
export function statedOf({ domains, callers }: SpiffeConfig, id: string, trustDomain: string): StatedFacts {
  const { tenant: of } = domains[trustDomain] ?? {};
  const base = of === undefined ? {} : { tenant: of };
  if (Object.hasOwn(callers, id)) return { ...base, ...callers[id] };
  for (let end = id.lastIndexOf('/'); end > 'spiffe://'.length; end = id.lastIndexOf('/', end - 1)) {
    const above = `${id.slice(0, end)}/*`;
    if (Object.hasOwn(callers, above)) return { ...base, ...callers[above] };
  }
  return base;
}
