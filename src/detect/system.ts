/** What tells of the machine behind a server, taken out where the configuration says so (guarantee OU2). */
import type { PiiForm } from './national.ts';

export const SYSTEM = ['host-name', 'environment', 'account-file'] as const;
export type SystemKind = (typeof SYSTEM)[number];

/** A line as `env` prints it; a file of configuration has some too, so it takes four in a row. */
const SETTING = '[A-Z_][A-Z0-9_]{0,63}=[^\\n]{0,2048}';
const NUMBER = '[0-9]{1,10}';

export const SYSTEM_FORMS: Readonly<Record<SystemKind, readonly PiiForm[]>> = {
  'host-name': [
    // Names that no public DNS has (RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`), and those of clusters and offices.
    {
      shape:
        /(?<![\w.-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}(?:internal|local|localdomain|lan|corp|intranet|home\.arpa|svc)(?![\w-]|\.\w)/gi,
    },
    // Private addresses (RFC 1918, RFC 6598) with their port.
    {
      shape:
        /(?<![\w.])(?:10|127|192\.168|172\.(?:1[6-9]|2[0-9]|3[01])|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))(?:\.[0-9]{1,3}){2,3}(?::[0-9]{1,5})?(?![\w]|\.[0-9])/g,
      check: (address) => /^[0-9]+(?:\.[0-9]+){3}(?::|$)/.test(address),
      exact: true,
    },
  ],
  environment: [{ shape: new RegExp(`(?<![^\\n])(?:${SETTING}\\r?\\n){3,500}${SETTING}`, 'g') }],
  'account-file': [
    // Lines of passwd and shadow (passwd(5), shadow(5)).
    {
      shape: new RegExp(
        `(?<![^\\n])[a-z_][a-z0-9_.-]{0,31}\\$?:[^:\\n]{0,256}:${NUMBER}:${NUMBER}:[^:\\n]{0,256}:/[^:\\n]{0,256}:[^:\\n]{0,256}`,
        'g',
      ),
    },
    {
      shape:
        /(?<![^\n])[a-z_][a-z0-9_.-]{0,31}:(?:[!*]{1,2}|!{0,2}\$[0-9a-z]{1,3}\$[^:\n]{1,512}):[0-9]{0,6}(?::[0-9]{0,6}){3,5}:[^\n]{0,16}/g,
    },
  ],
};
