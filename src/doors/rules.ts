/** The `listen` block: where the gateway can be reached. */
import { z } from 'zod';

/** Only loopback until the gate has TLS and identities of its own (guarantee TR5). */
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'] as const;

export const schema = z
  .strictObject({
    host: z
      .enum(LOOPBACK, { error: 'off loopback a listener needs TLS and identity, which are not configured' })
      .default('127.0.0.1')
      .describe('loopback address to listen on'),
    port: z.int().min(0).max(65_535).default(8808).describe('TCP port; 0 takes a free one'),
    origins: z
      .array(z.url({ protocol: /^https?$/ }))
      .default([])
      .describe('browser origins that may call; none by default, never *'),
  })
  .prefault({});

export type Listen = z.infer<typeof schema>;
