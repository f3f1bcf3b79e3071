import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addresses } from '../../src/net/connect.ts';
import { type DestinationConfig, destination, isFault, nextHop } from '../../src/net/destination.ts';
import { faultOf, names, target } from './world.ts';

const refused = (config: DestinationConfig) => {
  const made = destination(config);
  return isFault(made) ? made.at.join('.') : undefined;
};

describe('a destination', () => {
  it.each([
    [{ url: 'https://mcp.example.com/mcp' }],
    [{ url: 'https://mcp.example.com:8443/a/b?c=d' }],
    [{ url: 'https://8.8.8.8/mcp' }],
    [{ url: 'https://[2606:4700::1111]/mcp' }],
    [{ url: 'https://10.1.2.3/mcp', private: ['10.0.0.0/8'] }],
    [{ url: 'http://127.0.0.1:3000/mcp', private: ['127.0.0.0/8'] }],
    [{ url: 'http://[::1]:3000/mcp', private: ['::1/128'] }],
    [{ url: 'http://localhost:3000/mcp', private: ['127.0.0.0/8'] }],
    [{ url: 'https://mcp.example.com/', tls: { pin: [`sha256/${'A'.repeat(43)}=`] } }],
  ])('can be %j', (config) => expect(refused(config)).toBeUndefined());

  it.each([
    ['url', { url: 'http://mcp.example.com/mcp' }],
    ['url', { url: 'http://10.1.2.3/mcp', private: ['10.0.0.0/8'] }],
    ['url', { url: 'http://127.0.0.1:3000/mcp' }],
    ['url', { url: 'http://localhost:3000/mcp' }],
    ['url', { url: 'http://localhost:3000/mcp', private: ['10.0.0.0/8'] }],
    ['url', { url: 'https://10.1.2.3/mcp' }],
    ['url', { url: 'https://10.1.2.3/mcp', private: ['192.168.0.0/16'] }],
    ['url', { url: 'https://169.254.169.254/latest', private: ['10.0.0.0/8'] }],
    ['url', { url: 'https://metadata.google.internal/' }],
    ['url', { url: 'https://METADATA.google.internal./' }],
    ['url', { url: 'https://user:secret@mcp.example.com/' }],
    ['url', { url: 'https://mcp.example.com/#part' }],
    ['url', { url: 'ftp://mcp.example.com/' }],
    ['url', { url: 'file:///etc/passwd' }],
    ['url', { url: 'mcp.example.com' }],
    ['url', { url: 'https:mcp.example.com' }],
    ['url', { url: 'https:\\\\mcp.example.com' }],
    ['url', { url: ' https://mcp.example.com' }],
    ['url', { url: 'https://mcp.exa\nmple.com' }],
    ['url', { url: `https://mcp.example.com/${'a'.repeat(3000)}` }],
    ['private.1', { url: 'https://mcp.example.com/', private: ['10.0.0.0/8', '0.0.0.0/0'] }],
    ['tls.pin.0', { url: 'https://mcp.example.com/', tls: { pin: ['sha256/short'] } }],
    ['tls', { url: 'https://mcp.example.com/', tls: { cert: '/a.pem' } }],
    ['url', { url: 'http://127.0.0.1/', private: ['127.0.0.0/8'], tls: {} }],
  ])('has a fault at %s: %j', (at, config) => expect(refused(config)).toBe(at));
});

describe('the answer of a resolver', () => {
  const to = (named: string[] = []) => target({ url: 'https://mcp.example.com/', private: named });
  const of = (...found: string[]) => names({ 'mcp.example.com': found });

  it.each([
    [['93.184.216.34'], []],
    [['93.184.216.34', '2606:2800:220:1::1'], []],
    [['10.1.2.3'], ['10.0.0.0/8']],
  ])('%j is taken with %j', async (found, named) => {
    expect(await addresses(to(named), of(...found))).toEqual(found);
  });

  it.each([
    [['127.0.0.1'], [], 'address'],
    [['10.1.2.3'], [], 'address'],
    [['169.254.169.254'], ['10.0.0.0/8'], 'address'],
    [['::ffff:169.254.169.254'], [], 'address'],
    [['64:ff9b::a9fe:a9fe'], ['64:ff9b::/96'], 'address'],
    // One bad address spoils the rest.
    [['93.184.216.34', '10.1.2.3'], [], 'address'],
    [['10.1.2.3', '93.184.216.34', '169.254.169.254'], ['10.0.0.0/8'], 'address'],
    [['not an address'], [], 'address'],
    [[], [], 'resolve'],
    [Array.from({ length: 100 }, (_, i) => `93.184.216.${i}`), [], 'resolve'],
  ] as [string[], string[], string][])('%j is refused with %j', async (found, named, reason) => {
    expect(await faultOf(addresses(to(named), of(...found)))).toMatch(new RegExp(`^${reason}:`));
  });

  it('is not asked for a name of metadata', async () => {
    const asking = { ...to(), host: 'metadata.google.internal' };
    expect(await faultOf(addresses(asking, async () => ['93.184.216.34']))).toMatch(/^address: a metadata service/);
  });

  it('is not asked for localhost, whatever it would say', async () => {
    const lying = names({ localhost: ['93.184.216.34'], 'x.localhost': ['93.184.216.34'] });
    const named = ['127.0.0.0/8'];
    expect(await addresses(target({ url: 'http://localhost/', private: named }), lying)).toEqual(['127.0.0.1']);
    expect(await faultOf(addresses(target({ url: 'https://x.localhost/' }), lying))).toMatch(/^address/);
  });
});

describe('a redirect', () => {
  const from = new URL('https://mcp.example.com/mcp');
  it.each([
    [307, '/mcp/', 'https://mcp.example.com/mcp/'],
    [308, 'https://mcp.example.com/v2', 'https://mcp.example.com/v2'],
    [308, 'https://mcp.example.com:443/v2#x', 'https://mcp.example.com/v2'],
    [302, '/mcp/', undefined],
    [301, '/mcp/', undefined],
    [303, '/mcp/', undefined],
    [307, undefined, undefined],
    [307, 'http://mcp.example.com/mcp', undefined],
    [307, 'https://mcp.example.com:8443/mcp', undefined],
    [307, 'https://evil.example/', undefined],
    [307, '//evil.example/', undefined],
    [307, '/\\evil.example/', undefined],
    [307, 'https://mcp.example.com@evil.example/', undefined],
    [307, 'https://user@mcp.example.com/', undefined],
    [307, 'http://169.254.169.254/latest/meta-data/', undefined],
    [307, '/a b', undefined],
  ])('%s to %s leads to %s', (status, location, expected) => {
    expect(nextHop(from, status, location)?.href).toBe(expected);
  });
});

const CORPUS = join(
  process.env['DOORWARD_CORPORA'] ?? join(import.meta.dirname, '../../../shared/corpora'),
  'urls.jsonl',
);

interface Row {
  readonly label: string;
  readonly category: string;
  readonly text: string;
  readonly base?: string | null;
  readonly href?: string;
  readonly note: string;
}

describe.skipIf(!existsSync(CORPUS))('the corpus of URLs', () => {
  // A skipped block is still read for its tests.
  const rows = (existsSync(CORPUS) ? readFileSync(CORPUS, 'utf8') : '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
  const of = (...categories: string[]) => rows.filter(({ category }) => categories.includes(category));
  /** So that the address decides, and not the missing encryption. */
  const secure = (url: string) => url.replace(/^http:/i, 'https:');

  it('reaches nothing inside by any spelling', async () => {
    const internal = async (host: string) => [host.includes('metadata') ? '169.254.169.254' : '127.0.0.1'];
    const reached: string[] = [];
    const attacks = of('ssrf_address', 'ssrf_dns_name', 'ssrf_scheme', 'ssrf_unparseable').filter(
      // Public by its own note: what it attacks is a parser, not an address.
      ({ text }) => text !== 'http://1.1.1.1',
    );
    expect(attacks.length).toBeGreaterThan(170);
    for (const { text } of attacks) {
      const made = destination({ url: secure(text) });
      if (isFault(made)) continue;
      const fault = await faultOf(addresses(made, internal)).catch(() => undefined);
      if (!fault?.startsWith('address')) reached.push(text);
    }
    expect(reached).toEqual([]);
  });

  it('never leaves the origin by a redirect', () => {
    const from = new URL('https://app.example.com/');
    const left = of('open_redirect').filter(({ text }) => {
      const to = nextHop(from, 307, text);
      return to !== undefined && to.origin !== from.origin;
    });
    expect(left).toEqual([]);
  });

  it('takes what is public', () => {
    const lost = of('public_url').filter(({ text }) => isFault(destination({ url: secure(text).split('#')[0]! })));
    expect(lost.map(({ text }) => text)).toEqual([]);
  });

  it('reads a URL as the standard does, or not at all', () => {
    const wrong = of('url_parser').filter(({ text, base, label, href }) => {
      if (base) return false;
      const made = destination({ url: text, private: ['127.0.0.0/8', '10.0.0.0/8', '192.168.0.0/16'] });
      return !isFault(made) && (label === 'attack' || made.url.href !== href);
    });
    expect(wrong).toEqual([]);
  });
});
