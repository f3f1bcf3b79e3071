/** The pages. They show and ask, without script; whatever a caller, a client or a server said is inert in them. */
import { type Approval, asker } from '../controls/approval/book.ts';
import { CODES, type Code } from '../core/codes/index.ts';
import type { Person } from '../gateway/desk.ts';
import { iso } from '../lib/time.ts';
import { type Html, html, outside, outsideJson } from './html.ts';

/** Whose page it is. `secret` is that of the session and goes into each form. */
export interface Signed {
  readonly person: Person;
  readonly secret: string;
}

const DECIDED = html`Everything decided here is in the audit log. The same is at the terminal: <code>doorward approve</code>`;

export interface Notice {
  readonly kind: 'good' | 'bad' | 'note';
  readonly text: string;
}

export function page(title: string, body: Html, signed?: Signed, foot = DECIDED): string {
  const who = signed
    ? html`<span class="who">signed in as <b>${signed.person.subject}</b></span>
        ${form(signed, '/approvals', {}, html`<button>Approvals</button>`)}
        ${form(signed, '/sign-out', {}, html`<button>Sign out</button>`)}`
    : html``;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Doorward</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><strong>Doorward</strong> ${who}</header>
<main>${body}</main>
<footer>${foot}</footer>
</body>
</html>
`.text;
}

function form({ secret }: Signed, action: string, fields: Readonly<Record<string, string>>, inside: Html): Html {
  const hidden = Object.entries({ session: secret, ...fields }).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form method="post" action="${action}" autocomplete="off">${hidden}${inside}</form>`;
}

function said(notice: Notice | undefined): Html {
  return notice ? html`<div class="card ${notice.kind}" role="status">${notice.text}</div>` : html``;
}

/** The same whether the approval exists or not; `id` is only handed on. */
export function signInPage(id: string | undefined, notice?: Notice): string {
  const next = id === undefined ? html`` : html`<input type="hidden" name="id" value="${id}">`;
  return page(
    'Sign in',
    html`${said(notice)}<div class="card">
<h1>Sign in</h1>
<p>The owner of this gateway gets a code at the terminal. It is good once, for two minutes.</p>
<pre>doorward approve code --as NAME</pre>
<form method="post" action="/sign-in" autocomplete="off">${next}
<label for="code">Code</label>
<div class="row"><input type="text" id="code" name="code" required autofocus maxlength="16" spellcheck="false" autocapitalize="characters" autocomplete="one-time-code">
<button class="yes">Sign in</button></div>
</form></div>`,
  );
}

export function listPage(signed: Signed, approvals: readonly Approval[], now: number, notice?: Notice): string {
  const waiting = approvals.filter(({ state }) => state === 'waiting');
  const decided = approvals.filter(({ state }) => state !== 'waiting');
  const line = (one: Approval) => html`<li>
${form(signed, '/approval', { id: one.id }, html`<button class="link">${one.id} ${outside(thing(one), 200)}</button>`)}
<small>${outside(asker(one), 200)}; ${one.state === 'waiting' ? left(one, now) : `${one.state} by ${one.by ?? '?'} (${one.via ?? '?'})`}</small></li>`;
  const list = (all: readonly Approval[]) => html`<ul class="list">${all.map(line)}</ul>`;
  const nothing = html`<p>Nothing waits.</p>`;
  return page(
    'Approvals',
    html`${said(notice)}<div class="card"><h1>Waiting for a person</h1>
${waiting.length > 0 ? list(waiting) : nothing}
${form(signed, '/approvals', {}, html`<button>Look again</button>`)}</div>
${decided.length > 0 ? html`<div class="card"><h1>Decided, not used yet</h1>${list(decided)}</div>` : html``}`,
    signed,
  );
}

/** Everything the decision needs. `rules` = those in force. */
export function approvalPage(signed: Signed, one: Approval, rules: string, now: number, notice?: Notice): string {
  const { id, key, state, codes, call, argsDigest, answers, count, agreed, approvers } = one;
  const stale = one.rulesId !== rules;
  const why = codes.map((code) => html`<code>${code}</code> (${CODES[code as Code]?.hint ?? '?'}) `);
  const fields = { id, key };
  const decide = html`<div class="row">
${form(signed, '/decide', { ...fields, do: 'grant' }, html`<button class="yes">Grant, once</button>`)}
${form(signed, '/decide', { ...fields, do: 'deny' }, html`<button class="no">Deny</button>`)}</div>`;
  const status =
    state !== 'waiting'
      ? html`<p><b>${state}</b> by ${one.by ?? '?'} (${one.via ?? '?'}) at ${iso(one.decided ?? one.at)}</p>`
      : stale
        ? html`<p><b>void</b>: the rules changed since this was asked. The caller must ask again.</p>`
        : decide;
  const row = (name: string, value: Html) => html`<dt>${name}</dt><dd>${value}</dd>`;
  return page(
    `${id} ${state}`,
    html`${said(notice)}<div class="card">
<h1><span class="id">${id}</span> ${outside(thing(one), 300)}</h1>
<dl>
${row('caller', outside(asker(one)))}
${row('wants', html`${one.kind} ${outside(one.name)} of ${outside(one.upstream)}`)}
${row('why', html`${why}`)}
${row('asked', html`${iso(one.at)} by call <code>${call}</code>`)}
${row('until', html`${iso(one.until)}, ${left(one, now)}`)}
${count > 1 ? row('agreed', html`${agreed.length} of ${count} ${agreed.map((vote) => html`${vote.by} (${vote.via}) `)}`) : html``}
${approvers.length > 0 ? row('approvers', html`of ${approvers.join(' or ')}`) : html``}
${row('digest', html`<code>${argsDigest}</code>`)}
</dl>
<h2 id="args">Arguments</h2>
<pre tabindex="0" role="region" aria-labelledby="args">${outsideJson(one.args)}</pre>
${answers === undefined ? html`` : html`<h2 id="answers">Answers</h2><pre tabindex="0" role="region" aria-labelledby="answers">${outsideJson(answers)}</pre>`}
${status}</div>`,
    signed,
  );
}

export function plainPage(title: string, text: string): string {
  return page(title, html`<div class="card"><h1>${title}</h1><p>${text}</p></div>`);
}

function thing({ upstream, name }: Approval): string {
  return `${upstream}.${name}`;
}

function left({ until }: Approval, now: number): string {
  const seconds = Math.max(0, Math.round((until - now) / 1000));
  return seconds < 90 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`;
}
