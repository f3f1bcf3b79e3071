import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { jsonSchema } from '../../src/config/schema.ts';

const HEAD = 'doorward: 1\nupstreams:\n  files:\n    run: [npx, -y, "server@1.2.3", /data]\n';

/** `text` -> the first fault as `line:column message / fix`. */
const BAD: readonly (readonly [what: string, text: string, fault: RegExp])[] = [
  ['an unknown key', `${HEAD}polcy: []\n`, /^5:1 unknown key `polcy` \/ did you mean `policy`\?$/],
  ['an unknown key below', `${HEAD}    mount: {}\n`, /^5:5 unknown key `mount` \/ did you mean `mounts`\?$/],
  ['a key twice', 'doorward: 1\ndoorward: 1\n', /^2:1 Map keys must be unique/],
  ['another version', HEAD.replace('doorward: 1', 'doorward: 2'), /^1:11 /],
  ['a missing version', 'upstreams: {}\n', /^1:1 `doorward`: /],
  ['a name to listen on', `${HEAD}listen: { host: gate.example }\n`, /^5:17 .*write an IP address/],
  ['a public URL without TLS', `${HEAD}listen: { url: "https://gate.example" }\n`, /^5:16 .*`url` needs `tls`/],
  ['a public URL in the clear', `${HEAD}listen: { url: "http://gate.example" }\n`, /^5:16 .*write https:/],
  ['a public URL with a path', `${HEAD}listen: { url: "https://gate.example/mcp" }\n`, /^5:16 .*write https:/],
  ['a public URL of an address', `${HEAD}listen: { url: "https://192.0.2.1" }\n`, /^5:16 .*write https:/],
  ['a certificate without a key', `${HEAD}listen: { tls: { cert: a.pem } }\n`, /^5:11 .*string/],
  [
    'no authority for client certificates',
    `${HEAD}listen: { tls: { cert: a, key: b, required: true } }\n`,
    /^5:45 .*needs `clients`/,
  ],
  [
    'no authority for a list of revoked certificates',
    `${HEAD}listen: { tls: { cert: a, key: b, crl: c } }\n`,
    /^5:40 .*`crl` needs `clients`/,
  ],
  ['an origin that is a wildcard', `${HEAD}listen: { origins: ["*"] }\n`, /^5:21 /],
  ['a port out of range', `${HEAD}listen: { port: 70000 }\n`, /^5:17 .*at most 65535$/],
  ['no duration', `${HEAD}calls: { idle: soon }\n`, /^5:16 .*not a duration/],
  ['an alias', 'doorward: 1\nupstreams: &a {}\npolicy: *a\n', /^1:1 aliases are not allowed/],
  ['broken YAML', 'doorward: [1\n', /^2:1 /],
  ['a risk without a reason', `${HEAD}unsafe: { run-as-root: "" }\n`, /^5:24 .*say why/],
  ['an unknown risk', `${HEAD}unsafe: { run-as-rot: because I say so }\n`, /^5:11 .*did you mean `run-as-root`\?$/],
  ['a name that is no path', HEAD.replace('files:', 'Files/../x:'), /^3:3 .*lower-case/],
  ['a number for a text', `${HEAD}state: 7\n`, /^5:8 .*string/],
];

describe('loadConfig', () => {
  it('takes the smallest configuration and fills the defaults in', () => {
    const { config } = loadConfig(HEAD, 'doorward.yaml');
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 8808, origins: [] },
      calls: { idle: 60_000, hard: 300_000 },
      policy: [],
      unsafe: {},
    });
  });

  it.each(BAD)('refuses %s, with place and fix', (_what, text, wanted) => {
    let faults: readonly string[] = [];
    try {
      loadConfig(text, 'doorward.yaml');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults = error.faults.map(({ line, column, message, fix }) => `${line}:${column} ${message} / ${fix}`);
    }
    expect(faults[0] ?? 'accepted').toMatch(wanted);
  });

  it('reports every fault of a file at once', () => {
    const text = `${HEAD}polcy: []\nlisten: { port: 70000, hots: a }\n`;
    expect(() => loadConfig(text, 'f')).toThrow(ConfigError);
    try {
      loadConfig(text, 'f');
    } catch (error) {
      expect((error as ConfigError).faults.length).toBe(3);
    }
  });

  it('exports a schema that editors can use', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const check = ajv.compile(jsonSchema());
    expect(check({ doorward: 1, upstreams: { files: { run: ['node', './a.js'] } } })).toBe(true);
    expect(check({ doorward: 1, upstreams: {}, polcy: [] })).toBe(false);
  });

  it('never falls over, whatever the file holds', () => {
    for (const text of [
      '',
      '[]',
      '7',
      'null',
      '---\n---\n',
      '\u0000',
      'a: '.repeat(500),
      '{'.repeat(2000),
      'upstreams: {"__proto__": {run: [node, x]}}',
    ]) {
      try {
        loadConfig(text, 'f');
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }
  });
});
