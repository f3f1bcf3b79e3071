import { type KeyObject, sign } from 'node:crypto';

const code = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A token by ES256, whatever its header says. */
export function jwt(payload: object, header: object, key: KeyObject): string {
  const said = `${code({ alg: 'ES256', typ: 'JWT', ...header })}.${code(payload)}`;
  return `${said}.${sign('sha256', Buffer.from(said), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
