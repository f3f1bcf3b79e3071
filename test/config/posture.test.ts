import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { CertificateFacts } from '../../src/config/posture/finding.ts';
import { judgePosture } from '../../src/config/posture/index.ts';

const HEAD = 'doorward: 1\nupstreams: {}\n';
const TLS = 'tls: { cert: a, key: b }';
const MUTUAL = 'tls: { cert: a, key: b, clients: c, required: true }';
const KEYS = 'identity: { keys: true }\n';
const NAMED = 'unsafe: { bearer-only: clients cannot do certificates }\n';
const NOW = 1_000 * 86_400_000;

function found(text: string, certificate?: CertificateFacts): string[] {
  const { config } = loadConfig(HEAD + text, 'doorward.yaml');
  const machine = { root: false, container: false };
  return judgePosture({ config, machine, pinned: new Map(), now: NOW, certificate }).map(
    ({ code, severity, text: said }) => `${severity} ${code.replace('posture.', '')} ${said}`,
  );
}

describe('a listener that others can reach', () => {
  it.each<[what: string, text: string, wanted: RegExp[]]>([
    ['on loopback', '', []],
    ['on loopback with TLS', `listen: { ${TLS} }\n`, []],
    ['with nothing', 'listen: { host: 0.0.0.0 }\n', [/^critical exposed .*0\.0\.0\.0, without TLS and identities/]],
    ['with keys alone', `listen: { host: "::" }\n${KEYS}`, [/^critical exposed .*without TLS$/]],
    ['with TLS alone', `listen: { host: 0.0.0.0, ${TLS} }\n`, [/^critical exposed .*without identities/]],
    ['with keys alone over TLS', `listen: { host: 0.0.0.0, ${TLS} }\n${KEYS}`, [/^critical bearer-only /]],
    ['with that risk named', `listen: { host: 0.0.0.0, ${TLS} }\n${KEYS}${NAMED}`, [/^high bearer-only risk taken/]],
    ['with client certificates and keys', `listen: { host: 0.0.0.0, ${MUTUAL} }\n${KEYS}`, []],
    ['with client certificates alone', `listen: { host: 0.0.0.0, ${MUTUAL} }\n`, [/^high nobody /]],
    [
      'by a public name on loopback',
      `listen: { url: "https://gate.example", ${TLS} }\n`,
      [/^critical exposed .*https:\/\/gate\.example, without identities/],
    ],
    ['by the name of this machine', `listen: { url: "https://localhost:8808", ${TLS} }\n`, []],
  ])('%s', (_what, text, wanted) => {
    const said = found(text);
    expect(said.length, said.join('\n')).toBe(wanted.length);
    for (const [i, one] of wanted.entries()) expect(said[i]).toMatch(one);
  });
});

describe('access tokens', () => {
  const oauth = (more = '', issuer = '') =>
    `identity: { oauth: { ${more} issuers: [{ issuer: "https://idp.example", tenant: acme${issuer} }] } }\n`;
  it.each<[what: string, text: string, wanted: RegExp[]]>([
    ['on loopback', oauth(), []],
    ['for others, by bearer', `listen: { host: 0.0.0.0, ${TLS} }\n${oauth()}`, [/^critical bearer-only /]],
    ['for others, bound', `listen: { host: 0.0.0.0, ${TLS} }\n${oauth('require: bound,')}`, []],
    ['with client certificates', `listen: { host: 0.0.0.0, ${MUTUAL} }\n${oauth()}`, []],
    ['that nobody is told of', `listen: { unauthenticated: misdirected }\n${oauth()}`, [/^critical misdirected /]],
    ['of no type', oauth('', ', type: JWT'), [/^critical untyped-tokens /]],
    [
      'of no type, by name',
      `${oauth('', ', type: JWT')}unsafe: { untyped-tokens: the issuer has no other }\n`,
      [/^high untyped-tokens risk taken/],
    ],
  ])('%s', (_what, text, wanted) => {
    const said = found(text);
    expect(said.length, said.join('\n')).toBe(wanted.length);
    for (const [i, one] of wanted.entries()) expect(said[i]).toMatch(one);
  });
});

describe('a certificate', () => {
  const days = (n: number) => NOW + n * 86_400_000;
  it.each<[what: string, facts: CertificateFacts, wanted: RegExp | undefined]>([
    ['of a year', { until: days(365), keyMode: 0o600 }, undefined],
    ['of 30 days', { until: days(30) }, undefined],
    ['of less', { until: days(30) - 1 }, /^note certificate-ends .*29 days/],
    ['of 7 days', { until: days(7) }, /^note certificate-ends .*7 days/],
    ['of less than 7', { until: days(7) - 1 }, /^high certificate-ends .*6 days/],
    ['of tomorrow', { until: days(1) }, /^high certificate-ends .*1 day$/],
    ['whose key the world can read', { until: days(365), keyMode: 0o644 }, /^high certificate-key .*mode 644/],
    ['whose key a group can read', { until: days(365), keyMode: 0o640 }, /^medium certificate-key .*mode 640/],
    [
      'that cannot be used',
      { fault: { file: 'cert', text: 'the certificate has expired', fix: 'renew it' } },
      /^critical certificate the certificate has expired$/,
    ],
  ])('%s', (_what, facts, wanted) => {
    const said = found(`listen: { ${TLS} }\n`, facts);
    expect(said.length).toBe(wanted ? 1 : 0);
    if (wanted) expect(said[0]).toMatch(wanted);
  });
});

describe('grants that end', () => {
  const grant = (until: string) => `policy: [{ to: local, allow: [a.b], until: "${until}" }]\n`;
  it.each([
    ['1972-09-26', [/^low ended this grant ended 1972-09-27/]],
    ['1972-09-26T23:59Z', [/^low ended /]],
    ['1972-09-30', [/^note ended this grant ends 1972-10-01/]],
    ['1972-10-10', []],
  ])('%s', (until, wanted) => {
    const said = found(grant(until));
    expect(said.length, said.join('\n')).toBe(wanted.length);
    for (const [i, one] of wanted.entries()) expect(said[i]).toMatch(one);
  });
});
