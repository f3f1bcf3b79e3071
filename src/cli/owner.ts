/** What a verb asks of the process that owns the state folder. */
import { randomBytes } from 'node:crypto';
import { askOwner } from '../doors/ask-owner.ts';
import { BridgeRefused } from '../doors/join.ts';
import type { AdminRequest } from '../gateway/admin.ts';
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
