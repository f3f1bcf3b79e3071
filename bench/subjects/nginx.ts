/** nginx as a reverse proxy in one process: what a proxy in C costs. Reports `missing` where it is not installed. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = mkdtempSync(join(tmpdir(), 'doorward-nginx-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const PATH = `${process.env['PATH']}:/usr/sbin`;

const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = probe.address() as AddressInfo;
    probe.close(() => resolve(free));
  });
});
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
  (kind) => `${kind}_temp_path ${dir}/${kind};`,
);
writeFileSync(
  join(dir, 'nginx.conf'),
  `daemon off; master_process off; worker_processes 1; pid ${dir}/pid; error_log stderr crit;
events { worker_connections 512; }
http {
  access_log off; ${temporary.join(' ')}
  keepalive_requests 100000000; client_max_body_size 8m;
  upstream bench { server 127.0.0.1:${process.env['UPSTREAM']}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://bench/${process.env['PAYLOAD']}; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
);

if (spawnSync('nginx', ['-v'], { env: { PATH } }).error) process.send!({ missing: true });
else {
  const child = spawn('nginx', ['-e', 'stderr', '-c', join(dir, 'nginx.conf')], {
    env: { PATH },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.on('exit', () => child.kill('SIGKILL'));
  process.on('SIGTERM', () => process.exit(0));
  process.on('disconnect', () => process.exit(0));
  process.on('message', () => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // utime and stime, in ticks of 10 ms.
    process.send!({ cpu: (Number(fields[11]) + Number(fields[12])) * 10_000, rss: 0, stall: 0 });
  });
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('connect', () => socket.destroy()).once('error', () => resolve(false));
    });
  while (!(await answers())) await new Promise((go) => setTimeout(go, 20));
  process.send!({ port });
}
