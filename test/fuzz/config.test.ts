import { afterAll, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../src/config/fault.ts';
import { type Loaded, loadConfig } from '../../src/config/load.ts';
import { corpus, fuzz, near, TIMEOUT, YAML_TOKENS } from './fuzz.ts';

const SEEDS = [
  'doorward: 1\nupstreams:\n  files:\n    run: [npx, -y, "@a/b@1.2.3", /data]\n    mounts: { ./notes: /data }\npolicy:\n  - to: local\n    allow: [files.read]\n',
  'doorward: 1\nlisten: { port: 8808, origins: ["http://localhost:3000"] }\nupstreams: {}\nlimits: { subject: { minute: 10 } }\n',
  'doorward: 1\nupstreams: {}\ncalls: { idle: 60s, hard: 5m }\nunsafe: { run-as-root: because we say so }\n',
  'doorward: 1\nupstreams: {}\n',
];
const TOKENS = [...YAML_TOKENS, 'policy:', 'to: local', 'when:', 'hours:', 'screen:', 'redact:'];

function check(bytes: Buffer): void {
  const text = bytes.toString();
  let loaded: Loaded;
  try {
    loaded = loadConfig(text, 'doorward.yaml');
  } catch (error) {
    // A refusal names places in the file; anything else that is thrown is a defect.
    if (!(error instanceof ConfigError)) throw error;
    expect(error.faults.length).toBeGreaterThan(0);
    const count = text.split('\n').length;
    for (const { file, line, column, message } of error.faults) {
      expect(file === 'doorward.yaml' && line >= 1 && line <= count + 1 && column >= 1 && message !== '').toBe(true);
    }
    return;
  }
  // What was read is what the file says and nothing more: as JSON it means the same.
  expect(loadConfig(JSON.stringify(loaded.source.value), 'doorward.yaml').config).toEqual(loaded.config);
  expect(loaded.config.doorward).toBe(1);
}

/** The parser of YAML would print its warnings, with text of the file in them. */
const warned = vi.spyOn(process, 'emitWarning');
afterAll(() => expect(warned).not.toHaveBeenCalled());

describe('fuzzing the configuration', () => {
  it('keeps what was found', () => corpus('config').forEach(check));
  it('reads it, or says where it is wrong', { timeout: TIMEOUT }, () => fuzz(near(SEEDS, TOKENS), check));
});
