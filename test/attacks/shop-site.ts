/** A running gateway before the shop, and one call to it. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Caller, type Reply } from '../e2e/caller.ts';
import { OPEN_LIMITS, type Served, Site } from '../e2e/site.ts';

export interface Shop {
  readonly site: Site;
  readonly served: Served;
  readonly port: number;
  call(tool: string, args: object): Promise<Reply>;
  close(): Promise<void>;
}

export async function shop(more: string = OPEN_LIMITS): Promise<Shop> {
  const site = new Site({
    upstreams: { shop: { run: ['node', './shop/server.ts'] } },
    fill(dir) {
      mkdirSync(join(dir, 'shop'));
      cpSync(join(import.meta.dirname, 'shop.ts'), join(dir, 'shop/server.ts'));
    },
    more,
  });
  site.reviewAll();
  const served = await site.serve();
  const caller = new Caller(served.url, '/shop', site.token());
  return {
    site,
    served,
    port: Number(new URL(served.url).port),
    call: (tool, args) => caller.call(tool, args),
    async close() {
      caller.close();
      await served.stop();
      site.close();
    },
  };
}
