/**
 * A person with a real browser at the console: follows the link, signs in, looks, grants, by keyboard and without
 * script. `DOORWARD_SCREENSHOTS` names a folder to keep pictures in. Skipped where no Chromium is installed.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http, modern } from '../doors/client.ts';
import { codeFor, owner } from './person.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const CHROMIUM = process.env['DOORWARD_CHROMIUM'] ?? '/usr/bin/chromium';
const PICTURES = process.env['DOORWARD_SCREENSHOTS'];
const XSS = `\u{1f469}\u200d\u{1f4bb}"><script>document.title='owned'</script><img src=x onerror="document.title='owned'">`;

describe.skipIf(!existsSync(CHROMIUM))('a browser at the console', { timeout: 60_000 }, () => {
  let site: Site;
  let served: Served;
  let browser: Browser;
  let console: string;
  beforeAll(async () => {
    site = new Site({ servers: { notes: ['tidy.ts'] }, more: `${OPEN_LIMITS}console: { port: 0 }\n` });
    expect(site.run('review', '--yes', '--no-grants').status).toBe(0);
    const text = readFileSync(site.config, 'utf8');
    writeFileSync(site.config, text.replace('policy: []', 'policy: [{ to: local, ask: [notes.echo] }]'));
    served = await site.serve();
    console = /console {2}(http:\/\/\S+)/.exec(served.said())![1]!;
    // As root Chromium has no sandbox of its own; it only ever sees this console and a page of this test.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await served?.stop();
    site?.close();
  });

  async function asks(text: string): Promise<{ said: string; id: string }> {
    const { headers, body } = modern(1, 'echo', { text });
    const authorization = `Bearer ${site.token()}`;
    const { text: said } = await http(served.url, { path: '/notes', headers: { ...headers, authorization }, body });
    return { said, id: /person: ([0-9A-Z]{4,6})\./.exec(said)?.[1] ?? '' };
  }
  /** A page without script, and what it complained about. */
  async function visit(scheme: 'light' | 'dark' = 'light'): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 820, height: 600 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    return { page, complaints };
  }
  async function signIn(page: Page, id = '', person = { as: 'alice' }): Promise<void> {
    await page.goto(id === '' ? console : `${console}/approvals/${id}`);
    const code = page.getByLabel('Code');
    await code.fill(await codeFor(site, person));
    await code.press('Enter');
    await page.getByText('signed in as').waitFor();
  }
  async function picture(page: Page, name: string): Promise<void> {
    if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  }

  it('signs in, looks, grants by keyboard, and the call passes', async () => {
    const text = 'Please rotate the keys of every server.\nYours, bob';
    const { id } = await asks(text);
    const { page, complaints } = await visit();
    await page.goto(`${console}/approvals/${id}`);
    await picture(page, 'sign-in');
    await signIn(page, id);
    await picture(page, 'approval');
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('notes.echo');
    expect(await page.locator('pre').innerText()).toContain('every server.\\nYours');
    await page.getByRole('button', { name: 'Sign out' }).focus();
    const grant = page.getByRole('button', { name: 'Grant, once' });
    for (let i = 0; i < 20 && !(await grant.evaluate((node) => node === node.ownerDocument.activeElement)); i++)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Granted').waitFor();
    await picture(page, 'granted');
    expect((await asks(text)).said).toContain('rotate');
    expect(complaints).toEqual([]);
    expect(await page.context().cookies()).toEqual([]);
    await page.context().close();
  });

  it('lists what waits, in the dark too, and denies', async () => {
    const [one, two] = [await asks('first'), await asks('second')];
    const { page } = await visit('dark');
    await signIn(page, '', { as: 'bob' });
    await picture(page, 'list');
    for (const { id } of [one, two]) await page.getByRole('button', { name: id }).waitFor();
    await page.getByRole('button', { name: two.id }).click();
    await picture(page, 'dark');
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.getByRole('status').getByText('Denied').waitFor();
    expect((await asks('second')).said).toContain('A person denied this call');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out').waitFor();
    // Nothing was kept: the browser has to ask again, with a session that has ended.
    await page.goBack().catch(() => {});
    expect(await page.getByText('signed in as').count()).toBe(0);
    await page.context().close();
  });

  it('runs nothing that a caller wrote', async () => {
    const { id } = await asks(XSS);
    const { page, complaints } = await visit();
    await signIn(page, id);
    expect(await page.title()).toBe(`${id} waiting - Doorward`);
    expect(await page.locator('img, script, main a').count()).toBe(0);
    expect(await page.locator('pre').innerText()).toContain('<script>');
    expect(await page.locator('pre mark').innerText()).toBe('\\u200d');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('is not framed by another page, nor posted to by one', async () => {
    const { id } = await asks('framed');
    const { key } = (await owner(site, { do: 'show', id }))['approval'] as { key: string };
    const evil = createServer((_, res) => {
      res.setHeader('content-type', 'text/html');
      res.end(`<iframe name="f" src="${console}/approvals/${id}"></iframe><form method="post" action="${console}/decide">
        <input name="id" value="${id}"><input name="key" value="${key}"><input name="do" value="grant"><button>x</button></form>`);
    });
    await new Promise<void>((done) => evil.listen(0, '127.0.0.1', done));
    const { page, complaints } = await visit();
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    expect(complaints.join()).toMatch(/frame-ancestors|X-Frame-Options/i);
    expect(await page.frame('f')?.locator('#code').count()).toBe(0);
    const [posted] = await Promise.all([page.waitForResponse(`${console}/decide`), page.getByRole('button').click()]);
    expect(posted.status()).toBe(403);
    expect((await owner(site, { do: 'show', id }))['approval']).toMatchObject({ state: 'waiting' });
    await page.context().close();
    evil.closeAllConnections();
    evil.close();
  });
});
