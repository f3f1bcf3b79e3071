/**
 * An authorization server that hands out speaking tokens: `ex.<tenant>.<user>.<n>` in exchange for a token of theirs,
 * `ac.<tenant>.<user>.<n>` for a refresh token, which it takes once. Also identity assertions. Strict about what it is sent.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Swap {
  readonly url: string;
  /** Forms that came, in order, and how they were answered. */
  readonly heard: { readonly form: URLSearchParams; readonly status: number }[];
  /** Refresh tokens that came twice: of a family that is dead then. */
  readonly reused: string[];
  /** A refresh token of this user. */
  first(tenant: string, user: string): string;
  /** Until when an access token is good, in milliseconds; undefined: never heard of. */
  until(access: string): number | undefined;
  close(): Promise<void>;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:';
const TYPE = 'urn:ietf:params:oauth:token-type:';

export async function swap({ life = 2, idJag = true }: { life?: number; idJag?: boolean } = {}): Promise<Swap> {
  const heard: { form: URLSearchParams; status: number }[] = [];
  const reused: string[] = [];
  const good = new Map<string, string>();
  const spent = new Set<string>();
  const ends = new Map<string, number>();
  let n = 0;
  const give = (kind: string, who: string) => {
    const access = `${kind}.${who}.${++n}`;
    ends.set(access, Date.now() + life * 1000);
    return { access_token: access, token_type: 'Bearer', expires_in: life };
  };
  const renew = (who: string) => {
    const token = `rt.${who}.${++n}`;
    good.set(token, who);
    return token;
  };
  const claims = (jwt: string) =>
    JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as Record<string, string>;
  function answer(form: URLSearchParams): [number, object] {
    const bad = (error: string): [number, object] => [400, { error }];
    switch (form.get('grant_type')) {
      case 'refresh_token': {
        const token = form.get('refresh_token')!;
        if (spent.has(token)) reused.push(token);
        const who = good.get(token);
        if (who === undefined) return bad('invalid_grant');
        good.delete(token);
        spent.add(token);
        return [200, { ...give('ac', who), refresh_token: renew(who) }];
      }
      case `${GRANT}token-exchange`: {
        if (!form.get('client_assertion') || form.get('subject_token_type') !== `${TYPE}access_token`)
          return bad('invalid_request');
        const { tid, sub } = claims(form.get('subject_token')!);
        if (form.get('requested_token_type') === `${TYPE}id-jag`)
          return [
            200,
            {
              access_token: `jag.${tid}.${sub}`,
              token_type: 'N_A',
              issued_token_type: `${TYPE}id-jag`,
              expires_in: 60,
            },
          ];
        if (form.get('actor_token_type') !== `${TYPE}jwt` || claims(form.get('actor_token')!)['sub'] !== 'gw')
          return bad('invalid_request');
        return [200, { ...give('ex', `${tid}.${sub}`), issued_token_type: `${TYPE}access_token` }];
      }
      case `${GRANT}jwt-bearer`: {
        const [kind, tenant, user] = form.get('assertion')!.split('.');
        return kind === 'jag' ? [200, give('ex', `${tenant}.${user}`)] : bad('invalid_grant');
      }
      default:
        return bad('unsupported_grant_type');
    }
  }
  const server = createServer(async (req, res) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const send = (status: number, body: object) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (req.url === '/.well-known/oauth-authorization-server') {
      const profiles = idJag
        ? { authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'] }
        : {};
      return void send(200, { issuer: url, token_endpoint: `${url}/token`, ...profiles });
    }
    if (req.url !== '/token') return void send(404, {});
    let text = '';
    for await (const chunk of req) text += chunk;
    const form = new URLSearchParams(text);
    const [status, body] = answer(form);
    heard.push({ form, status });
    send(status, body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    reused,
    first: (tenant, user) => renew(`${tenant}.${user}`),
    until: (access) => ends.get(access),
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
