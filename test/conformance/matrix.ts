/** Runs the suite against the fixture itself and through the gateway, and its own servers behind it, cell by cell. */
import type { Era } from '../fixtures/everything/parts.ts';
import { behindGateway, ERAS, UPSTREAMS } from './cells.ts';
import { runClients } from './clients.ts';
import { judge, type Results, type Verdict } from './judge.ts';
import { remote } from './remote.ts';
import { runSuite } from './suite.ts';
import { runTasks } from './tasks.ts';

export interface Cell extends Verdict {
  /** `<era of the clients>.<upstream>`: the name of the file of what may be lost. */
  readonly name: string;
  readonly client: Era;
  readonly upstream: string;
  readonly through: Results;
}

/** The gateway as the client of the suite's servers. */
export interface ClientCell extends Verdict {
  /** `client.<revision>`. */
  readonly name: string;
  readonly era: Era;
  readonly through: Results;
  /** Not run. */
  readonly left: readonly string[];
}

export interface ExtensionCell extends Verdict {
  /** `extension.<name>`. */
  readonly name: string;
  readonly through: Results;
}

export interface Matrix {
  readonly direct: ReadonlyMap<Era, Results>;
  readonly cells: readonly Cell[];
  readonly clients: readonly ClientCell[];
  /** Scenarios of extensions. */
  readonly extensions: readonly ExtensionCell[];
}

/** Nothing is lost but by the gateway. */
const NOTHING: Results = new Map();

/** `which`: parts of cell names; every cell when it is empty. `all`: every scenario of each. */
export async function runMatrix(which: readonly string[], tell: (line: string) => void, all = true): Promise<Matrix> {
  const wanted = (name: string) => which.length === 0 || which.some((part) => name.includes(part));
  const direct = new Map<Era, Results>();
  for (const era of ERAS) {
    if (!UPSTREAMS.some(({ name }) => wanted(`${era}.${name}`))) continue;
    const fixture = await remote(era);
    tell(`${era} directly`);
    direct.set(era, await runSuite(fixture.url, era));
    fixture.close();
  }
  const cells: Cell[] = [];
  for (const upstream of UPSTREAMS) {
    const clients = ERAS.filter((era) => wanted(`${era}.${upstream.name}`));
    if (clients.length === 0) continue;
    const behind = await behindGateway(upstream);
    for (const client of clients) {
      const name = `${client}.${upstream.name}`;
      tell(name);
      const once = async () => {
        const through = await runSuite(behind.url, client);
        return { name, client, upstream: upstream.name, through, ...judge(name, direct.get(client)!, through) };
      };
      const first = await once();
      // Some checks give an answer half a second, whatever else the machine has to do: what is lost is lost twice.
      if (first.unexpected.length > 0) tell(`${name} again`);
      cells.push(first.unexpected.length > 0 ? await once() : first);
    }
    await behind.close();
  }
  const clients: ClientCell[] = [];
  for (const era of ERAS.filter((one) => wanted(`client.${one}`))) {
    const name = `client.${era}`;
    tell(name);
    const { ran, left } = await runClients(era, all);
    clients.push({ name, era, through: ran, left, ...judge(name, NOTHING, ran, left) });
  }
  const extensions: ExtensionCell[] = [];
  if (wanted('extension.tasks')) {
    tell('extension.tasks');
    const through = await runTasks();
    extensions.push({ name: 'extension.tasks', through, ...judge('extension.tasks', NOTHING, through) });
  }
  return { direct, cells, clients, extensions };
}
