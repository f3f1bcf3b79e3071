/** What a verb asks of the process that owns the state folder. */
import { randomBytes } from 'node:crypto';
import { askOwner } from '../doors/ask-owner.ts';
import { BridgeRefused } from '../doors/join.ts';
import type { AdminRequest } from '../gateway/admin.ts';
import type { At } from '../gateway/alone.ts';
import type { Site } from '../gateway/site.ts';
import { VERSION } from '../gateway/version.ts';
import { sha256Hex } from '../lib/bytes.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { callerToken, openStateFolder } from '../store/folder.ts';
import { Trouble } from './terminal.ts';

/** Undefined when no gateway runs. Throws Trouble. */
export async function ownerSays(site: Site, request: AdminRequest): Promise<JsonObject | undefined> {
  const folder = openStateFolder(site.stateDir);
  const token = callerToken(folder, (n) => randomBytes(n));
  try {
    return await askOwner(
      folder.root,
      { version: VERSION, config: sha256Hex(site.file), token },
      JSON.parse(JSON.stringify(request)) as JsonObject,
    );
  } catch (error) {
    throw error instanceof BridgeRefused ? new Trouble(error.message) : error;
  }
}

/**
 * By the gateway that runs, or here by `alone` while none does, which answers undefined when another process owns the
 * folder. A gateway may start or end in between. Throws Trouble.
 */
export async function byOwner<T extends object>(
  site: Site,
  request: AdminRequest,
  alone: (dir: string, at: At) => Promise<T | undefined>,
): Promise<T | JsonObject> {
  for (let tries = 0; tries < 100; tries++) {
    const said = await ownerSays(site, request);
    if (said) return said;
    const told = await alone(site.stateDir, { clock: Date.now, random: (n) => randomBytes(n) });
    if (told) return told;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Trouble(
    'the state folder is owned by a process that does not answer',
    'end that process: nothing runs then',
  );
}
