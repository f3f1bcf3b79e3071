/** Which era a message is of. The body decides; headers can only contradict it (protocol 2026-07-28, versioning). */
import type { Code } from '../../core/codes/index.ts';
import type { Fault, Frame } from '../frame.ts';
import type { Headers } from '../headers.ts';
import { claimedVersion, claims } from './modern.ts';
import { MODERN, OVER_HTTP, versionData } from './versions.ts';

/** The first revision that had no sessions; revisions are dates and compare as texts. */
const isModern = (version: string): boolean => /^\d{4}-\d\d-\d\d$/.test(version) && version >= MODERN;

/**
 * `headers` are absent on stdio. A message that claims the modern era is never served as a legacy one, however
 * malformed its claim is; `hear` says what is wrong with it.
 */
export function classify(frame: Frame, headers?: Pick<Headers, 'version'>): 'modern' | 'legacy' | Fault {
  const fault = (code: Code): Fault =>
    frame.kind !== 'notification' && frame.id !== undefined ? { fault: code, id: frame.id } : { fault: code };
  const header = headers?.version;
  if (frame.kind === 'response') return header !== undefined && isModern(header) ? fault('frame.request') : 'legacy';

  const { kind, method, params } = frame;
  if (claims(params)) {
    const version = claimedVersion(params);
    if (typeof version !== 'string') return fault('frame.envelope');
    return header !== undefined && header !== version ? fault('frame.header-mismatch') : 'modern';
  }
  if (header === undefined) return 'legacy';
  if (isModern(header)) {
    if (kind === 'notification') return 'modern';
    return fault(method === 'initialize' ? 'frame.header-mismatch' : 'frame.envelope');
  }
  // An initialize negotiates in its body.
  if (method === 'initialize' || OVER_HTTP.some((era) => era === header)) return 'legacy';
  return { ...fault('frame.version'), data: versionData(header) };
}
