/** Keys of a site that sign requests, and those that sign assertions of proxies: read from files and followed. */
import { resolve } from 'node:path';
import { RulesFault } from '../core/rules.ts';
import { type Key, readKeySet } from '../identity/oauth/jwks.ts';
import type { Signing } from '../identity/proofs.ts';
import { proxies } from '../identity/proxies/index.ts';
import type { ProxiesConfig } from '../identity/proxies/rules.ts';
import { compileKeys, type SignaturesConfig } from '../identity/signatures/rules.ts';
import { fixOf, parseReference } from '../secrets/references.ts';
import type { Sources } from './sources.ts';
import { watchFiles } from './watch.ts';

/** Throws RulesFault. */
export function openSigning(config: SignaturesConfig, dir: string, { event, ended, read, secret }: Sources) {
  const load = () =>
    compileKeys(
      config,
      (file) => read(resolve(dir, file)),
      (reference) => secret(reference, dir),
    );
  let keys: ReturnType<typeof load>;
  try {
    keys = load();
  } catch (error) {
    const text = error instanceof Error ? error.message : 'cannot be read';
    const fix = fixOf(error) ?? 'put the key there, or mend its algorithm';
    throw new RulesFault(['identity', 'signatures', 'keys'], text, fix);
  }
  const paths = Object.values(config.keys).flatMap(({ public: pem, secret: reference }) => {
    if (pem !== undefined) return [resolve(dir, pem)];
    const parsed = parseReference(reference!, dir);
    return parsed.kind === 'file' ? [parsed.path] : [];
  });
  const watcher = watchFiles(paths, () => {
    try {
      keys = load();
      event('event.signers', { keys: keys.size });
    } catch (error) {
      // A key that was taken away must not go on signing.
      keys = new Map();
      event('event.signers-refused', { why: error instanceof Error ? error.message : 'cannot be read' });
    }
    ended(({ how, proofs }) => how === 'signature' || proofs?.signature !== undefined);
  });
  return {
    rules: (): Signing => ({ required: config.required, tag: config.tag, keys }),
    close: () => watcher.close(),
  };
}

/** Throws RulesFault. */
export function openProxies(config: ProxiesConfig, dir: string, { clock, event, ended, read }: Sources) {
  const paths = config.map((row) => (row.assertion ? resolve(dir, row.assertion.keys) : undefined));
  const load = (path: string | undefined): readonly Key[] => {
    if (path === undefined) return [];
    const keys = readKeySet(read(path));
    if (!keys || keys.length === 0) throw new Error(`${path}: holds no key that can be used`);
    return keys;
  };
  let keys: (readonly Key[])[];
  try {
    keys = paths.map(load);
  } catch (error) {
    const text = error instanceof Error ? error.message : 'cannot be read';
    throw new RulesFault(['identity', 'proxies'], text, 'put the JWK set of the proxy there');
  }
  const watcher = watchFiles(
    paths.filter((path) => path !== undefined),
    () => {
      try {
        keys = paths.map(load);
        event('event.signers', { proxies: keys.length });
      } catch (error) {
        keys = paths.map(() => []);
        event('event.signers-refused', { why: error instanceof Error ? error.message : 'cannot be read' });
      }
      ended(({ how }) => how === 'proxy');
    },
  );
  return { kind: proxies(config, (row) => keys[row]!, clock), close: () => watcher.close() };
}
