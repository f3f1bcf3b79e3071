/**
 * Starts a gateway from a configuration: the only wiring of rooms. Whatever is missing or unfit stops the start; what
 * was opened by then is closed again.
 */

import { printKey } from '../audit/checkpoint.ts';
import type { Machine as Host } from '../config/posture/finding.ts';
import type { Log, Snapshot } from '../core/ports.ts';
import type { Clock, Random } from '../core/state.ts';
import { StreamRedactor } from '../detect/secrets.ts';
import { type BridgeDoor, serveBridge } from '../doors/bridge.ts';
import type { HttpDoor } from '../doors/http.ts';
import { exposed } from '../doors/rules.ts';
import { ENDED as SESSIONS_ENDED } from '../doors/session.ts';
import { Holds } from '../inventory/holds.ts';
import { digestsOf, originDigest } from '../inventory/lock.ts';
import { sha256Hex } from '../lib/bytes.ts';
import { fieldCipher } from '../secrets/fields.ts';
import { openKeys } from '../secrets/keyring.ts';
import type { Vault } from '../secrets/vault/vault.ts';
import { callerToken, openStateFolder, type StateFolder } from '../store/folder.ts';
import { openLasting } from '../store/lasting.ts';
import { memoryState } from '../store/memory.ts';
import { createPrivate, readPrivate, replacePrivate } from '../store/private.ts';
import { openQuarantine } from '../store/quarantine.ts';
import { type Lanes, lanes as openLanes } from '../upstreams/lanes.ts';
import { type Machine, thisMachine } from '../upstreams/machine.ts';
import type { Timers } from '../upstreams/parking.ts';
import { SUPPORTED } from '../wire/eras/versions.ts';
import { openAccounts } from './accounts.ts';
import { admin } from './admin.ts';
import { unsealed } from './asking.ts';
import { mended, openSiteAudit } from './audit.ts';
import { changed, judgesOthers, provenOtherwise, refuseCritical, reloaded, reviewedAnew } from './changes.ts';
import type { OpenConnect } from './connect.ts';
import type { OpenConsole } from './desk.ts';
import { holdDrift } from './drifted.ts';
import { farEnd } from './far.ts';
import { flowing } from './flow.ts';
import { looks } from './followed.ts';
import { openHalts } from './halts.ts';
import { harden } from './harden.ts';
import { openIdentities } from './identities.ts';
import { openListener } from './listener.ts';
import { type OAuthSite, openOAuth } from './oauth.ts';
import { openPeople } from './people.ts';
import { type Prepared, prepare } from './prepare.ts';
import { watchSite } from './reload.ts';
import { rounds, SPENT } from './rounds.ts';
import { readSite } from './site.ts';
import { prepareSpecs, type Specs } from './specs.ts';
import { stops } from './stops.ts';
import { Streams } from './streams.ts';
import { Tasks } from './tasks.ts';
import { turns } from './turns.ts';
import { Underway } from './underway.ts';
import { nobody, siteVault } from './vault.ts';
import { VERSION } from './version.ts';
import { openWorkloads } from './workloads.ts';

export interface StartOptions {
  /** Configuration file, as the operator named it. */
  readonly file: string;
  /** Whether to listen for HTTP; the stdio bridge is always open. */
  readonly http: boolean;
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  /** OS user, for the log. */
  readonly user: string;
  readonly npm: (args: readonly string[]) => Promise<void>;
  /** Sees every entry that the log takes. */
  readonly watch?: (log: Log) => Log;
  /** Called once when another process asks for the state folder. */
  readonly handOver?: () => void;
  readonly sandbox?: Machine;
  /** The vault of the site, where a person was asked to open it; by default it opens by itself, or not at all. */
  readonly vault?: Vault;
  /** Where users connect their accounts; absent = at the terminal alone. */
  readonly connect?: OpenConnect;
  /** Opens the console where one is configured. */
  readonly console?: OpenConsole;
}

export interface Running {
  /** Base URL; undefined without HTTP. */
  readonly url: string | undefined;
  /** Of the console; undefined without one. */
  readonly consoleUrl: string | undefined;
  readonly bridge: BridgeDoor;
  readonly folder: StateFolder;
  /** `ed25519:...`: what `audit verify --key` needs elsewhere. */
  readonly auditKey: string;
  prepared(): Prepared;
  close(how?: { readonly handover?: boolean }): Promise<void>;
}

/** The caller holds the lock on the state folder. Rejects with ConfigError, StartRefused, or what a room throws. */
export async function startGateway(options: StartOptions): Promise<Running> {
  const { file, clock, random, host } = options;
  const site = readSite(file);
  const folder = openStateFolder(site.stateDir);
  const files = { read: readPrivate, create: createPrivate, replace: replacePrivate };
  const keys = openKeys(folder.keys, { files, clock, random });
  const holds = new Holds();
  const { fingerprint, sign } = keys;
  const fields = fieldCipher({ ring: keys, clock, random });
  const preparing = { holds, fingerprint, sign, fields, machine: host, clock };

  let prepared = prepare(site, preparing);
  refuseCritical(prepared);
  const vault = options.vault ?? siteVault(site, { files, clock, random, env: process.env, passphrase: nobody });
  const places = { files, env: process.env, vault: (name: string) => vault.get('secret', '*', name)?.toString() };
  let oauth: OAuthSite | undefined;
  const standing = openWorkloads({ site, clock, places });
  const identities = openIdentities({
    token: callerToken(folder, random),
    user: options.user,
    keys: folder.apiKeys,
    files,
    enabled: () => prepared.site.config.identity.keys,
    kinds: [
      ...standing.kinds,
      {
        authenticate: (evidence) => oauth?.kind.authenticate(evidence),
        challenge: (evidence) => oauth?.kind.challenge?.(evidence) ?? [],
      },
    ],
    around: standing.around,
    exposed: options.http && exposed(site.config.listen),
    clock,
  });
  const specPlace = {
    stateDir: folder.root,
    npm: options.npm,
    clock,
    ...places,
  };
  let specs: Specs = await prepareSpecs(prepared, specPlace);

  const closers: (() => Promise<unknown> | unknown)[] = [() => standing.close()];
  try {
    const audit = await openSiteAudit(folder.audit, keys, { clock, random });
    const unmended = mended(audit);
    closers.push(unmended, () => audit.close());
    const told: Log = options.watch ? options.watch(audit) : audit;
    const quarantine = openQuarantine({ dir: folder.quarantine, ring: keys, clock, random });
    const state = memoryState(clock);
    const snapshot = (): Snapshot => prepared.snapshot;
    const { console: open } = options;
    const people = await openPeople({
      site,
      state,
      log: told,
      snapshot,
      clock,
      random,
      ring: keys,
      places: specPlace,
      open,
    });
    closers.push(() => people.close());
    const { log, desk, asking } = people;
    const ended = openLasting({ path: folder.ended, state, spaces: [SESSIONS_ENDED, SPENT] });
    const answers = rounds({ ring: keys, clock, random, state: ended });
    const world = { state, log, clock, quarantine, asking, rounds: answers, breathe: turns() };

    const timers: Timers = {
      set: (run, ms) => setTimeout(run, ms).unref(),
      clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
    };
    const tasks = new Tasks({ ring: keys, random, clock, state });
    const streams = new Streams({
      snapshot,
      clock,
      timers,
      state: world.state,
      watch: (call, target) => lanes.watch(call, target),
      onEnd: ({ id }, why) => log.event('event.listen', { call: id, why }),
      looks: looks(
        () => gate,
        (call, taskId) => tasks.known(call, taskId),
        { ring: keys, random },
      ),
    });
    const accounts = await openAccounts({
      site,
      file: folder.vault,
      open: options.connect,
      authenticate: identities.authenticate,
      vault,
      files,
      env: process.env,
      clock,
      random,
      upstreams: () => prepared.upstreams,
      local: identities.local,
      onEvent: (data) => log.event('event.credential', data),
    });
    closers.push(() => accounts.close());
    const lanes: Lanes = openLanes({
      credential: accounts.of,
      own: accounts.own,
      machine: options.sandbox ?? thisMachine(),
      clock,
      version: VERSION,
      specs: (upstream) => specs.get(upstream),
      pin: (upstream) => originDigest(prepared.site.lock.upstreams.get(upstream) ?? {}),
      expected: (upstream) => digestsOf(prepared.site.lock, upstream),
      redactor: () => new StreamRedactor((secret) => keys.fingerprint(secret)),
      timers,
      random,
      shared: (upstream) => prepared.site.lock.upstreams.get(upstream)?.stateless === true,
      onUpdated: (lane, uri) => streams.updated(lane, uri),
      onListed: (upstream, lane, before, after) => streams.listed(upstream, lane, before, after),
      wants: (upstream, lane) => streams.wants(upstream, lane),
      onEvent: (code, data) => log.event(code, data),
      onDrift(upstream, listing) {
        log.event('event.drift', holdDrift(prepared.site.lock, holds, upstream, listing));
        streams.changed();
      },
    });
    closers.push(() => lanes.close());

    const underway = new Underway(clock);
    const { revoked, halted } = stops(streams, underway, lanes);
    const gate = harden({
      snapshot,
      world,
      handlers: farEnd(snapshot, {
        lane: lanes.handle,
        streams: streams.handler,
        versions: SUPPORTED,
        ring: keys,
        random,
      }),
      authenticate: accounts.hearing(identities.authenticate),
      random,
      limits: site.config.calls,
      unsealed: (entry) => flowing(unsealed(entry, keys), keys, clock),
      tasks,
      underway,
    });
    oauth = openOAuth(site, {
      clock,
      random,
      ring: keys,
      state: world.state,
      log,
      ...places,
      ended: revoked,
    });
    closers.push(() => oauth!.close());
    const halts = openHalts({
      dir: folder.root,
      files,
      clock,
      log,
      state: world.state,
      onHalt: halted,
    });
    const bridge = await serveBridge({
      gate,
      dir: folder.root,
      version: VERSION,
      config: sha256Hex(site.file),
      who: () => identities.local,
      admin: admin({ desk, halts, quarantine, log, console: people.console, user: options.user }),
      ...(options.handOver && { handOver: options.handOver }),
    });
    closers.push(() => bridge.close());
    let http: HttpDoor | undefined;
    if (options.http) {
      const { config, dir } = site;
      http = await openListener({ gate, config, dir, ring: keys, state: ended, log, oauth, trust: standing });
      oauth.listening(http.url);
      standing.listening(http.url);
      closers.push(() => http!.close());
    }
    standing.watch(log, revoked);
    const keyWatcher = identities.watch(log, revoked);
    closers.push(() => keyWatcher.close());

    const watcher = watchSite(file, {
      async reload() {
        const next = prepare(readSite(file), preparing);
        refuseCritical(next);
        const nextSpecs = await prepareSpecs(next, specPlace);
        const before = prepared;
        if (next.snapshot.id === before.snapshot.id) return;
        for (const name of reviewedAnew(before, next)) holds.release(name);
        if (changed('identity', before, next) || changed('upstreams', before, next)) standing.configure(next.site);
        [prepared, specs] = [next, nextSpecs];
        void accounts.reloaded(before.upstreams);
        oauth?.use(next.site);
        log.event('event.reload', reloaded(before, next, site.config));
        streams.changed(judgesOthers(before, next));
        revoked(provenOtherwise(before, next));
      },
      refused: (error) => log.event('event.reload-refused', { why: error.message }),
    });
    closers.push(() => watcher.close());

    log.event('event.start', {
      version: VERSION,
      rules: prepared.snapshot.id,
      upstreams: [...specs.keys()],
      risks: Object.keys(site.config.unsafe),
      ...(http && { url: http.url }),
      ...(people.console && { console: people.console.url }),
    });
    return {
      url: http?.url,
      consoleUrl: people.console?.url,
      bridge,
      folder,
      auditKey: printKey(keys.audit.publicKey),
      prepared: () => prepared,
      async close({ handover = false } = {}) {
        watcher.close();
        keyWatcher.close();
        standing.close();
        unmended();
        const doors = Promise.all([http?.close(), people.close(), accounts.close(), bridge.close({ handover })]);
        // Nothing new is let in any more.
        streams.close();
        await doors;
        await lanes.close();
        await oauth?.close();
        log.event('event.stop', {});
        await audit.close();
      },
    };
  } catch (error) {
    for (const close of closers.reverse()) await Promise.resolve(close()).catch(() => {});
    throw error;
  }
}
