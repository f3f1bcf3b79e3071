import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meshPeer, parseClientCert } from '../../../src/identity/proxies/mesh.ts';
import { cpuMs } from '../../fixtures/cpu.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/web';
const LINKERD = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

describe('the peer of a sidecar', () => {
  it.each<[string, 'linkerd' | 'istio', string, string | undefined]>([
    ['of Linkerd', 'linkerd', LINKERD, LINKERD],
    ['of Linkerd by SPIFFE', 'linkerd', ID, ID],
    ['of another cluster', 'linkerd', 'web.shop.serviceaccount.identity.linkerd.other.local', undefined],
    ['that only ends like one', 'linkerd', 'web.evilcluster.local', undefined],
    ['that is the domain', 'linkerd', 'cluster.local', undefined],
    ['with a space', 'linkerd', `${LINKERD} `, undefined],
    ['in other letters', 'linkerd', LINKERD.toUpperCase(), undefined],
    ['two of them', 'linkerd', `${LINKERD},${LINKERD}`, undefined],
    ['an empty one', 'linkerd', '', undefined],
    ['of Istio', 'istio', `By=spiffe://cluster.local/ns/a/sa/b;Hash=0a1b;Subject="";URI=${ID}`, ID],
    ['with a subject that holds everything', 'istio', `Subject="CN=\\"a\\",O=b;URI=x";URI=${ID}`, ID],
    ['in other letters of keys', 'istio', `uri=${ID};hash=0a`, ID],
    ['of another domain', 'istio', 'URI=spiffe://other.local/ns/shop/sa/web', undefined],
    ['without a path', 'istio', 'URI=spiffe://cluster.local', undefined],
    ['with two ids', 'istio', `URI=${ID};URI=spiffe://cluster.local/ns/shop/sa/admin`, undefined],
    ['with none', 'istio', 'By=spiffe://cluster.local/ns/a/sa/b;Hash=0a', undefined],
    ['of two hops', 'istio', `URI=spiffe://cluster.local/ns/x/sa/admin,By=x;URI=${ID}`, undefined],
    ['hidden in a subject', 'istio', `Subject="URI=${ID}"`, undefined],
    ['after an open quote', 'istio', `Subject=";URI=${ID}`, undefined],
    ['with an unknown key', 'istio', `X=1;URI=${ID}`, undefined],
    ['with spaces', 'istio', `URI=${ID}; Hash=0a`, undefined],
    ['with an end left open', 'istio', `URI=${ID};`, undefined],
    ['by its name of Linkerd', 'istio', LINKERD, undefined],
  ])('%s', (_what, mesh, header, id) => expect(meshPeer(mesh, header, ['cluster.local'])).toBe(id));

  it('is read back as Envoy writes it, in linear time', () => {
    const key = fc.constantFrom('By', 'Hash', 'Cert', 'Chain', 'Subject', 'URI', 'DNS');
    const quoted = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.stringMatching(/^[ -~]{0,12}$/)), { minLength: 1, maxLength: 7 }),
        (pairs) => {
          const read = parseClientCert(pairs.map(([name, value]) => `${name}=${quoted(value)}`).join(';'));
          for (const [name, value] of pairs) expect(read!.get(name.toLowerCase())).toContain(value);
          expect([...read!.values()].flat()).toHaveLength(pairs.length);
        },
      ),
    );
    for (const text of ['URI=', 'URI="', 'URI=a;', '=', ';', 'URI=\\']) {
      const long = text.repeat(100_000);
      expect(cpuMs(() => void parseClientCert(long), 200)).toBeLessThan(200);
    }
  });
});
