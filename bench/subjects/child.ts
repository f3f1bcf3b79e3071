/** The child's side of a subject: listens on a free port and answers `cpu` with its user and system time. */

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });

export function serve(server: Server, extra: object = {}): void {
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port, extra));
}

export function ready(port: number, extra: object = {}): void {
  delay.enable();
  process.on('message', (message) => {
    if (message === 'cpu') {
      const { user, system } = process.cpuUsage();
      process.send!({ cpu: user + system, user, system, rss: process.memoryUsage.rss(), stall: delay.max / 1e6 });
      delay.reset();
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send!({ port, ...extra });
}
