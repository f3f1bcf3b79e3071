import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { command, type Npm, PackageRefused, preparePackage } from '../../src/upstreams/packages.ts';
import { TreeKeeper, TreeRefused } from '../../src/upstreams/tree.ts';

let root: string;
let state: string;
let config: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'doorward-packages-'));
  [state, config] = [join(root, 'state'), join(root, 'site/config')];
  for (const folder of [state, config]) mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | object = ''): void {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
}
const server = { name: '@acme/notes', version: '1.2.3', bin: { notes: 'dist/main.js' }, dependencies: { a: '*' } };
const install = (base: string) => {
  put(`${base}/node_modules/@acme/notes/package.json`, server);
  put(`${base}/node_modules/@acme/notes/dist/main.js`, 'main');
  put(`${base}/node_modules/a/package.json`, {
    version: '1.0.0',
    dependencies: { b: '*' },
    optionalDependencies: { none: '*' },
  });
  put(`${base}/node_modules/a/node_modules/b/package.json`, { version: '2.0.0' });
  put(`${base}/node_modules/b/package.json`, { version: '1.0.0' });
  put(`${base}/node_modules/unrelated/package.json`, { version: '1.0.0' });
};
const never: Npm = () => Promise.reject(new Error('asked npm'));
const prepare = (run: string[], npm: Npm = never) =>
  preparePackage({ run, stateDir: state, configDir: config, npm, clock: Date.now });
const RUN = ['npx', '-y', '@acme/notes@1.2.3', '/data', '--flag'];

describe('a published package', () => {
  it('is copied with its closure from where it is installed already', async () => {
    install('site');
    const made = await prepare(RUN);
    expect(made).toMatchObject({ entry: '/package/node_modules/@acme/notes/dist/main.js', args: ['/data', '--flag'] });
    expect(made.dir).toBe(join(state, 'packages/@acme/notes@1.2.3'));
    const has = (path: string) => existsSync(join(made.dir, 'node_modules', path, 'package.json'));
    expect([has('@acme/notes'), has('a'), has('a/node_modules/b')]).toEqual([true, true, true]);
    expect([has('b'), has('unrelated')]).toEqual([false, false]);
    expect(command(made, 512 << 20)).toEqual([
      '/runtime/node',
      '--max-old-space-size=256',
      made.entry,
      '/data',
      '--flag',
    ]);
  });
  it('is readable for nobody, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      install('site');
      const { dir } = await prepare(RUN);
      expect(statSync(join(dir, 'node_modules/a')).mode & 0o777).toBe(0o755);
      expect(statSync(join(dir, 'node_modules/a/package.json')).mode & 0o777).toBe(0o644);
    } finally {
      process.umask(before);
    }
  });
  it('is fetched once when it is not there, or in another version', async () => {
    install('site');
    put('site/node_modules/@acme/notes/package.json', { ...server, version: '1.2.4' });
    const asked: string[][] = [];
    const npm: Npm = async (args) => {
      asked.push([...args]);
      install(args[args.indexOf('--prefix') + 1]!.slice(root.length + 1));
    };
    const one = await prepare(RUN, npm);
    expect((await prepare(RUN, npm)).digest).toBe(one.digest);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toEqual(expect.arrayContaining(['install', '--ignore-scripts', '@acme/notes@1.2.3']));
  });
  it('leaves nothing behind when the fetch fails', async () => {
    await expect(prepare(RUN)).rejects.toThrow('asked npm');
    expect(existsSync(join(state, 'packages/@acme/notes@1.2.3'))).toBe(false);
  });
  it('is fetched when its layout is not npm’s own', async () => {
    install('site');
    put('elsewhere/c/package.json', { version: '1.0.0' });
    rmSync(join(root, 'site/node_modules/a'), { recursive: true });
    symlinkSync(join(root, 'elsewhere/c'), join(root, 'site/node_modules/a'));
    await expect(prepare(RUN)).rejects.toThrow('asked npm');
  });
  it.each([
    [['npx', '@acme/notes']],
    [['npx', '@acme/notes@^1.2.3']],
    [['npx', '@acme/notes@latest']],
    [['npx', '-p', 'x@1.0.0', 'y']],
    [['npx', '../x@1.0.0']],
    [['npx']],
    [['docker', 'run', 'x']],
    [['/bin/sh', '-c', 'x']],
  ])('%j is refused', async (run) => await expect(prepare(run)).rejects.toBeInstanceOf(PackageRefused));
  it.each([
    [{ x: '../../../../etc/passwd' }],
    ['../b/package.json'],
    [{}],
    [{ a: 'x.js', b: 'y.js' }],
    [undefined],
    [7],
  ])('with programs %j is refused', async (bin) => {
    install('site');
    put('site/node_modules/@acme/notes/package.json', { ...server, bin });
    await expect(prepare(RUN)).rejects.toBeInstanceOf(PackageRefused);
  });
});

describe('a file of one’s own', () => {
  it('is mounted with its folder', async () => {
    put('site/config/notes/server.js', 'x');
    put('site/config/notes/lib/more.js', 'y');
    const made = await prepare(['node', './notes/server.js', '--flag']);
    expect(made).toMatchObject({ entry: '/package/server.js', args: ['--flag'], files: 2 });
  });
  it('may not lie beside the configuration or above the state folder', async () => {
    put('site/config/server.js');
    put('server.js');
    await expect(prepare(['node', './server.js'])).rejects.toBeInstanceOf(PackageRefused);
    await expect(prepare(['node', '../../server.js'])).rejects.toBeInstanceOf(PackageRefused);
  });
  it.each([[['node', '--eval', 'x']], [['node', './none.js']], [['node']]])('%j is refused', async (run) => {
    await expect(prepare(run)).rejects.toBeInstanceOf(PackageRefused);
  });
});

describe('the digest of a tree', () => {
  const keeper = () => new TreeKeeper(join(root, 'tree'));
  const digest = async (of = keeper()) => (await of.read(Date.now())).digest;
  beforeEach(() => {
    put('tree/a.js', 'a');
    put('tree/lib/b.js', 'b');
  });

  it('is the same for the same tree', async () => {
    const before = await digest();
    rmSync(join(root, 'tree'), { recursive: true });
    put('tree/lib/b.js', 'b');
    put('tree/a.js', 'a');
    expect(await digest()).toBe(before);
  });
  it.each<[string, () => void]>([
    ['a byte', () => put('tree/lib/b.js', 'c')],
    ['a name', () => (rmSync(join(root, 'tree/a.js')), put('tree/A.js', 'a'))],
    ['a new file', () => put('tree/new')],
    ['an absent file', () => rmSync(join(root, 'tree/a.js'))],
    ['what may be executed', () => chmodSync(join(root, 'tree/a.js'), 0o755)],
    ['a link', () => symlinkSync('a.js', join(root, 'tree/link'))],
    ['a file moved into a folder', () => (rmSync(join(root, 'tree/a.js')), put('tree/lib/a.js', 'a'))],
  ])('changes with %s', async (_what, change) => {
    const kept = keeper();
    const before = await digest(kept);
    change();
    const after = await digest(kept);
    expect(after).not.toBe(before);
    expect(await digest()).toBe(after);
  });
  it('sees a change of the same length right after a look', async () => {
    const kept = keeper();
    for (let i = 0; i < 20; i++) {
      put('tree/a.js', String(i % 10));
      expect(await digest(kept)).toBe(await digest());
    }
  });
  it('does not read unchanged files again', async () => {
    const kept = keeper();
    const later = Date.now() + 10_000;
    const before = await kept.read(later);
    chmodSync(join(root, 'tree/a.js'), 0o644);
    expect((await kept.read(later)).digest).toBe(before.digest);
    const began = performance.now();
    put(
      'tree/big',
      readFileSync(process.execPath)
        .subarray(0, 32 << 20)
        .toString('latin1'),
    );
    await kept.read(later);
    const first = performance.now() - began;
    const again = performance.now();
    await kept.read(later);
    expect(performance.now() - again).toBeLessThan(first / 2);
  });
  it.each<[string, () => void]>([
    ['a link out of it', () => symlinkSync('../secret', join(root, 'tree/link'))],
    ['an absolute link', () => symlinkSync('/etc/passwd', join(root, 'tree/link'))],
    ['a link that climbs from below', () => symlinkSync('../../x', join(root, 'tree/lib/link'))],
    ['a line break in a name', () => put('tree/a\nb')],
  ])('is refused for %s', async (_what, change) => {
    change();
    await expect(digest()).rejects.toBeInstanceOf(TreeRefused);
  });
  it('is refused beyond its limits', async () => {
    const small = (files: number, bytes: number) => new TreeKeeper(join(root, 'tree'), { files, bytes });
    await expect(digest(small(1, 100))).rejects.toBeInstanceOf(TreeRefused);
    await expect(digest(small(10, 1))).rejects.toBeInstanceOf(TreeRefused);
    await expect(digest(small(2, 2))).resolves.toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});
