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
      pool.dispatch(
        { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: Buffer.concat(chunks) },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData(_c, chunk) {
            parts.push(chunk);
          },
          onResponseEnd() {
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
