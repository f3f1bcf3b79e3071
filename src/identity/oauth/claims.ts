/**
 * What an access token says (RFC 9068, section 2.2; RFC 7662, section 2.2), as facts about a caller. A claim that is
 * there must be well-formed, whether or not anything reads it; names go to policy, logs and terminals, so that nothing in
 * them may hide or act.
 */
import type { Caller } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { escapeText } from '../../lib/text.ts';
import type { ClaimPath, IssuerRules } from './rules.ts';

/** A token that was verified, as far as no request can change it. */
export interface Token {
  readonly caller: Caller;
  /** The one resource that it is for. */
  readonly audience: string;
  /** RFC 7638 thumbprint of the key that must be proved (RFC 9449). */
  readonly jkt?: string;
  /** SHA-256 of the certificate that must be shown (RFC 8705), base64url. */
  readonly x5t?: string;
}

export interface Reading {
  readonly rules: IssuerRules;
  readonly how: 'jwt' | 'introspection';
  /** Digest of the token. */
  readonly credential: string;
  /** Now, in milliseconds. */
  readonly at: number;
}

const MAX_NAME = 255;
const MAX_NAMES = 256;
const MAX_URL = 2048;
/** RFC 6749, section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
/** Seconds since the epoch end in the year 9999. */
const MAX_TIME = 253_402_300_800;

/** The token, or which check it fails. The issuer is known to be that of `rules`. */
export function readClaims(claims: JsonObject, { rules, how, credential, at }: Reading): Token | Code {
  const audience = oneOf(claims['aud']);
  const subject = nameAt(claims, rules.claims.subject);
  const tenant = tenantOf(claims, rules.tenant);
  const agent = rules.claims.agent
    ? nameAt(claims, rules.claims.agent)
    : (nameAt(claims, CLIENT) ?? nameAt(claims, PARTY));
  const groups = rules.claims.groups ? names(valueAt(claims, rules.claims.groups)) : [];
  const scopes = scopesOf(valueAt(claims, rules.claims.scopes));
  const strength = strengthOf(claims);
  const bound = boundTo(claims['cnf']);
  const { jti } = claims;
  if (jti === undefined ? rules.jti : name(jti) === undefined) return 'identity.token';
  if (!audience || !subject || !tenant || !agent || !groups || !scopes || !strength || !bound) return 'identity.token';
  const [iat, nbf, exp] = [time(claims['iat']), time(claims['nbf']), time(claims['exp'])];
  if (iat === undefined || nbf === undefined || exp === undefined) return 'identity.token';
  // Introspection may leave out when a token was made; a JWT may not (RFC 9068, section 2.2).
  if (exp === 'absent' || (iat === 'absent' && how === 'jwt')) return 'identity.token';
  const latest = at + rules.skew;
  if (at >= exp || (nbf !== 'absent' && nbf > latest) || (iat !== 'absent' && iat > latest)) return 'identity.expired';
  const key = bound.jkt ?? bound.x5t;
  const caller: Caller = Object.freeze({
    tenant,
    subject,
    agent: Object.freeze([agent]),
    groups: Object.freeze(groups),
    scopes: Object.freeze(scopes),
    issuer: rules.issuer,
    how,
    strength,
    ...(key !== undefined && { key }),
    credential,
    expires: exp,
    claims: Object.freeze(claims),
  });
  return { caller, audience, ...bound };
}

const CLIENT: ClaimPath = ['client_id'];
const PARTY: ClaimPath = ['azp'];

function valueAt(claims: JsonObject, path: ClaimPath): Json | undefined {
  let value: Json | undefined = claims;
  for (const step of path) value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  return value;
}

function name(value: Json | undefined): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME) return undefined;
  return value.isWellFormed() && value.trim() === value && escapeText(value, MAX_URL) === value ? value : undefined;
}

function nameAt(claims: JsonObject, path: ClaimPath): string | undefined {
  return name(valueAt(claims, path));
}

/** Absent is none. */
function names(value: Json | undefined): string[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > MAX_NAMES) return undefined;
  const all = value.map(name);
  return all.includes(undefined) ? undefined : (all as string[]);
}

/** A token for several resources could be used at one by another: it is for one (RFC 9700, section 2.3). */
function oneOf(aud: Json | undefined): string | undefined {
  const one = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  return typeof one === 'string' && one !== '' && one.length <= MAX_URL ? one : undefined;
}

/** A list with single spaces between, or an array of the same. `*` is a pattern somewhere, and no scope. */
function scopesOf(value: Json | undefined): string[] | undefined {
  const list = value === undefined || value === '' ? [] : typeof value === 'string' ? value.split(' ') : value;
  if (!Array.isArray(list) || list.length > MAX_NAMES) return undefined;
  return list.every((scope) => typeof scope === 'string' && scope !== '*' && SCOPE.test(scope))
    ? (list as string[])
    : undefined;
}

function tenantOf(claims: JsonObject, tenant: IssuerRules['tenant']): string | undefined {
  if (typeof tenant === 'string') return tenant;
  const said = nameAt(claims, tenant.claim);
  // `local` is the tenant of the OS user, who is known by another credential; `*` is all tenants, in the vault.
  if (said === undefined || said === 'local' || said === '*') return undefined;
  return tenant.of === undefined || tenant.of.includes(said) ? said : undefined;
}

function strengthOf(claims: JsonObject): Caller['strength'] | undefined {
  const { acr, amr, auth_time: since } = claims;
  const [context, methods, at] = [acr === undefined ? acr : name(acr), names(amr), time(since)];
  if (!methods || at === undefined || (acr !== undefined && context === undefined)) return undefined;
  return Object.freeze({
    amr: Object.freeze(methods),
    ...(context !== undefined && { acr: context }),
    ...(at !== 'absent' && { at }),
  });
}

/** Milliseconds; undefined when it is there and is no time. */
function time(value: Json | undefined): number | 'absent' | undefined {
  if (value === undefined) return 'absent';
  return typeof value === 'number' && value >= 0 && value < MAX_TIME ? value * 1000 : undefined;
}

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** `cnf` (RFC 7800): what is not understood cannot be met, so that it is refused. */
function boundTo(cnf: Json | undefined): { jkt?: string; x5t?: string } | undefined {
  if (cnf === undefined) return {};
  if (!isObject(cnf)) return undefined;
  const { jkt, 'x5t#S256': x5t, ...others } = cnf;
  if (Object.keys(others).length > 0 || (jkt === undefined && x5t === undefined)) return undefined;
  for (const print of [jkt, x5t])
    if (print !== undefined && !(typeof print === 'string' && THUMBPRINT.test(print))) return undefined;
  return { ...(jkt !== undefined && { jkt: jkt as string }), ...(x5t !== undefined && { x5t: x5t as string }) };
}
