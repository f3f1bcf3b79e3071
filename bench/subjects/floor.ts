/** The floor: a bare proxy, node:http in front and undici behind, which looks at nothing. */
import { createServer } from 'node:http';
import { Pool } from 'undici';
import { serve } from './child.ts';

const pool = new Pool(`http://127.0.0.1:${process.env['UPSTREAM']}`, { connections: 64, pipelining: 1 });
const path = `/${process.env['PAYLOAD']}`;

serve(
  createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const parts: Buffer[] = [];
      let events = false;
      pool.dispatch(
        { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: Buffer.concat(chunks) },
        {
          onRequestStart() {},
          onResponseStart(_c, status, headers) {
            events = headers['content-type'] === 'text/event-stream';
            if (events) res.writeHead(status, { 'content-type': 'text/event-stream' });
          },
          onResponseData(_c, chunk) {
            if (events) res.write(chunk);
            else parts.push(chunk);
          },
          onResponseEnd() {
            if (events) return void res.end();
            const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
            res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
            res.end(body);
          },
          onResponseError(_c, error) {
            res.destroy(error);
          },
        },
      );
    });
  }),
);
