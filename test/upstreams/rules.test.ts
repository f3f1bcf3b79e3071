import { describe, expect, it } from 'vitest';
import { RulesFault } from '../../src/core/rules.ts';
import { compile, schema } from '../../src/upstreams/rules.ts';

const RUN = ['npx', '-y', 'x@1.0.0'];
const place = {
  configDir: '/cfg',
  home: '/home/ann',
  realpath: (path: string) => {
    if (path.includes('none')) throw new Error('ENOENT');
    return path.replace('/cfg/link', '/home/ann/.ssh');
  },
};
const compiled = (block: object) => compile(schema.parse({ run: RUN, ...block }), ['upstreams', 'x'], place);

describe('an upstream block', () => {
  it('needs no more than `run`', () => {
    expect(compiled({})).toEqual({
      run: RUN,
      mounts: [],
      env: {},
      caps: { memory: 512 << 20, processes: 128, files: 1024, cpu: 1 },
    });
  });
  it('takes mounts and caps', () => {
    expect(
      compiled({ mounts: { './notes': '/data:rw' }, memory: '2GiB', processes: 32, files: 64, cpu: 0.5 }),
    ).toMatchObject({
      mounts: [{ source: '/cfg/notes', target: '/data', write: true }],
      caps: { memory: 2 ** 31, processes: 32, files: 64, cpu: 0.5 },
    });
  });
  it('says what the server may ask a client for', () => {
    expect(compiled({ asks: { elicitation: ['url', 'url'], roots: true } })).toMatchObject({
      asks: { elicitation: ['url'], sampling: false, roots: true },
    });
  });
  it.each([
    [{ asks: { elicitation: true } }],
    [{ asks: { elicitation: ['page'] } }],
    [{ asks: { tools: true } }],
    [{ run: [] }],
    [{ run: 'npx x' }],
    [{ memory: '512' }],
    [{ memory: 512 }],
    [{ memory: '32MiB' }],
    [{ memory: '999999999GiB' }],
    [{ processes: 1 }],
    [{ cpu: 0 }],
    [{ sandbox: 'none' }],
    [{ network: ['example.com'] }],
  ])('%j is refused', (block) => expect(schema.safeParse({ run: RUN, ...block }).success).toBe(false));
  it.each([
    [{ mounts: { './link': '/data' } }, ['upstreams', 'x', 'mounts', './link']],
    [{ mounts: { './none': '/data' } }, ['upstreams', 'x', 'mounts', './none']],
    [{ mounts: { '/etc': '/data' } }, ['upstreams', 'x', 'mounts', '/etc']],
    [{ mounts: { './a': '/proc' } }, ['upstreams', 'x', 'mounts', './a']],
    [{ mounts: { './a': '/data', './b': '/data' } }, ['upstreams', 'x', 'mounts']],
    [{ env: { LD_PRELOAD: 'x' } }, ['upstreams', 'x', 'env', 'LD_PRELOAD']],
  ])('%j is a fault with its place', (block, path) => {
    try {
      compiled(block);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RulesFault);
      expect((error as RulesFault).path).toEqual(path);
    }
  });
});

describe('an upstream block with a URL', () => {
  const http = (block: object) => compile(schema.parse(block), ['upstreams', 'x'], place);
  it('needs no more than that', () => {
    expect(http({ url: 'https://mcp.example.com/mcp' })).toEqual({ http: { url: 'https://mcp.example.com/mcp' } });
  });
  it('takes networks, an authority, pins and a client certificate', () => {
    const pin = [`sha256/${'A'.repeat(43)}=`];
    expect(
      http({
        url: 'https://mcp.example.com/mcp',
        private: ['10.20.0.0/16'],
        tls: { ca: 'ca.pem', pin, cert: './c.pem', key: '/k.pem' },
      }),
    ).toEqual({
      http: {
        url: 'https://mcp.example.com/mcp',
        private: ['10.20.0.0/16'],
        tls: { ca: '/cfg/ca.pem', pin, cert: '/cfg/c.pem', key: '/k.pem' },
      },
    });
  });
  it.each([
    [{}, []],
    [{ url: 'https://mcp.example.com/', run: RUN }, ['url']],
    [{ url: 'https://mcp.example.com/', memory: '1GiB' }, ['memory']],
    [{ url: 'https://mcp.example.com/', mounts: {} }, ['mounts']],
    [{ url: 'https://mcp.example.com/', sandbox: 'bubblewrap' }, ['sandbox']],
    [{ run: RUN, private: ['10.0.0.0/8'] }, ['private']],
    [{ run: RUN, tls: {} }, ['tls']],
    [{ run: RUN, transport: 'sse' }, ['transport']],
    [{ url: 'http://mcp.example.com/' }, ['url']],
    [{ url: 'http://127.0.0.1:1/' }, ['url']],
    [{ url: 'https://mcp.example.com/', private: ['0.0.0.0/0'] }, ['private', 0]],
    [{ url: 'https://mcp.example.com/', tls: { pin: ['sha256/x'] } }, ['tls', 'pin', 0]],
    [{ url: 'https://mcp.example.com/', tls: { ca: 'none.pem' } }, ['tls', 'ca']],
    [{ url: 'https://mcp.example.com/', tls: { cert: 'c.pem' } }, ['tls']],
  ])('%j is a fault at %j', (block, path) => {
    try {
      http(block);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RulesFault);
      expect((error as RulesFault).path).toEqual(['upstreams', 'x', ...path]);
    }
  });
});
