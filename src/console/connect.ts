/**
 * The pages on which a user connects an account at a server (guarantee SE5): what will happen, a word of consent, the way
 * to the issuer, and the way back. A link that was passed on is of no use: who is not on the owner's machine has to prove
 * to be the one that the link was made for.
 */
import type { ConnectPages, ConnectParts } from '../gateway/connect.ts';
import type { Ticket } from '../secrets/consent/consents.ts';
import { OAuthFault } from '../secrets/oauth/fault.ts';
import { html, outside } from './html.ts';
import { type Answer, type Asked, listen } from './listener.ts';
import { page } from './pages.ts';
import { STYLE } from './style.ts';

const TICKET = /^\/connect\/([A-Za-z0-9_-]{43})$/;
const BACK = /^\/callback(\/[A-Za-z0-9_-]{22})?$/;
const FOOT = html`Whoever connects an account, and when, is in the audit log.`;

/** Rejects when the port cannot be had. */
export async function openConnectPages({ port, face, consents, known, prove }: ConnectParts): Promise<ConnectPages> {
  const shown = face === undefined ? undefined : new URL(face);
  // A cookie of this name can only be set by this host, over TLS.
  const prefix = shown ? '__Host-doorward-' : 'doorward-';

  async function asked(ticket: string, { method, form }: Asked): Promise<Answer> {
    const wish = consents.look(ticket);
    if (!wish)
      return plain(404, 'This link is spent', 'It was used, or it is too old. Make the call again to get another.');
    if (method === 'GET') return { status: 200, body: consentPage(`/connect/${ticket}`, wish, !known(wish.holder)) };
    if (!known(wish.holder) && !(await proven(ticket, wish, form.get('credential') ?? '')))
      return plain(403, 'This link is not yours', 'It is for another user, or what you entered is not valid.');
    const { to, scopes, cookie } = await consents.begin(ticket);
    const secure = shown ? '; Secure' : '';
    return {
      status: 200,
      body: onPage(to, scopes),
      cookie: `${prefix}${cookie.name}=${cookie.value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600${secure}`,
    };
  }

  async function proven(ticket: string, { holder, upstream }: Ticket, credential: string): Promise<boolean> {
    const said = await prove(credential.trim(), upstream);
    const same = said?.tenant === holder.tenant && said.issuer === holder.issuer && said.subject === holder.subject;
    if (!same) consents.missed(ticket);
    return same;
  }

  async function back({ path, query, cookies }: Asked): Promise<Answer> {
    const all = new Map(cookies.split(/; */).map((one) => one.split('=', 2) as [string, string]));
    const wish = await consents.finish(path, new URLSearchParams(query), (name) => all.get(prefix + name));
    return plain(200, 'Connected', `Your account at ${wish.upstream} is connected. You can close this page and go on.`);
  }

  const { url, close } = await listen(
    port,
    async (request) => {
      const { path } = request;
      try {
        if (path === '/style.css') return { status: 200, body: STYLE, type: 'text/css' };
        if (BACK.test(path) && request.method === 'GET') return await back(request);
        const ticket = TICKET.exec(path)?.[1];
        if (ticket !== undefined) return await asked(ticket, request);
      } catch (error) {
        // Nothing of what the issuer said is shown: it may be another's (RFC 9207, section 2.4).
        if (!(error instanceof OAuthFault)) throw error;
        return plain(400, 'Not connected', `${error.message}. Nothing was changed.`);
      }
      return plain(404, 'Not found', 'There is no such page.');
    },
    shown,
  );
  return { url, close };
}

function plain(status: number, title: string, text: string): Answer {
  return {
    status,
    body: page(title, html`<div class="card"><h1>${title}</h1><p>${outside(text)}</p></div>`, undefined, FOOT),
  };
}

function consentPage(action: string, { upstream, rules, holder, scopes }: Ticket, prove: boolean): string {
  const key = prove
    ? html`<label for="credential">Your key or token for this gateway, to show that this link is yours</label>
<div class="row"><input type="password" id="credential" name="credential" required maxlength="4096" autocomplete="off"></div>`
    : html``;
  return page(
    'Connect',
    html`<div class="card">
<h1>Connect your account at ${upstream}?</h1>
<dl><dt>Server</dt><dd>${outside(rules.server)}</dd>
<dt>For</dt><dd>${outside(holder.subject)} of ${outside(holder.tenant)}, and nobody else</dd>
<dt>Rights</dt><dd>${scopes.length > 0 ? outside(scopes.join(' '), 2000) : 'what the server asks for'}</dd></dl>
<p>You will sign in at the server's own issuer. Agree only if you started this yourself, just now.</p>
<form method="post" action="${action}" autocomplete="off">${key}
<button class="yes">Connect</button></form></div>`,
    undefined,
    FOOT,
  );
}

function onPage(to: URL, scopes: readonly string[]): string {
  return page(
    'Sign in there',
    html`<div class="card">
<h1>Sign in at ${to.host}</h1>
<p>Go on only if you know this name.</p>
<dl><dt>Rights</dt><dd>${scopes.length > 0 ? outside(scopes.join(' '), 2000) : 'those that the issuer gives by itself'}</dd></dl>
<p><a rel="noreferrer" href="${to.href}">Go on to ${to.host}</a></p></div>`,
    undefined,
    FOOT,
  );
}
