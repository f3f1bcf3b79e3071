/**
 * For these tests only: the suite sends no credential, so a small server in front of the gateway adds the local token
 * to each request. Its own name in `Host` becomes that of the gateway; everything else goes through as it came.
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PassThrough {
  /** `http://localhost:<port>`. */
  readonly origin: string;
  /** Everything goes there from now on. */
  aim(base: string, token: string): void;
  close(): Promise<void>;
}

export async function passThrough(): Promise<PassThrough> {
  let target: { readonly url: URL; readonly token: string } | undefined;
  let own = '';
  const server = createServer((req, res) => {
    if (!target) return void res.writeHead(503).end();
    const { url, token } = target;
    const headers = ['Authorization', `Bearer ${token}`];
    for (let i = 0; i < req.rawHeaders.length; i += 2) {
      const [name, value] = [req.rawHeaders[i]!, req.rawHeaders[i + 1]!];
      headers.push(name, name.toLowerCase() === 'host' && value === own ? url.host : value);
    }
    const { hostname, port } = url;
    const onward = request({
      hostname,
      port,
      method: req.method,
      path: req.url,
      headers,
      setHost: false,
      agent: false,
    });
    onward.on('response', (answer) => {
      res.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(res);
      // An event stream shows its head before its first event.
      res.flushHeaders();
    });
    onward.on('error', () => res.destroy());
    res.on('close', () => onward.destroy());
    req.pipe(onward);
  });
  await new Promise<void>((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
  own = `localhost:${(server.address() as AddressInfo).port}`;
  return {
    origin: `http://${own}`,
    aim: (base, token) => void (target = { url: new URL(base), token }),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
