/**
 * What is disarmed, as a browser reads it: no element that runs, loads or leads elsewhere is left in its tree. Skipped
 * where no Chromium is installed. `DOORWARD_RUNS` texts, 2,000 without it; nothing here is shown or run.
 */
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activeIn, disarmed } from '../../src/detect/active.ts';

const CHROMIUM = process.env['DOORWARD_CHROMIUM'] ?? '/usr/bin/chromium';
const RUNS = Number(process.env['DOORWARD_RUNS'] ?? 2000);

const PIECES = [
  ...'< </ > " \' = / \t \n \f \\ ` x & &lt; <!-- --> --!> <![CDATA[ ]]> <? \u00a0 \u2028 \u017f'.split(' '),
  ...'<script <style> </style> <svg> <math> <template> <noscript> <textarea> <title> <select> <table> <xmp>'.split(' '),
  ...'<iframe <form <base <object <embed <meta <link <a <b <img <foreignObject> <annotation-xml'.split(' '),
  ...'src= href= xlink:href= srcdoc= formaction= onerror= onclick= style= http-equiv= rel= title=" encoding='.split(
    ' ',
  ),
  ...'javascript: java\tscript: &#106;avascript: &#x6a;avascript&colon; data:text/html, refresh stylesheet'.split(' '),
  ...'@import url(//e.example) url(x) <img/src=x/onerror=x> <img\tsrc="x"onerror=x>'.split(' '),
  ' ',
  '\0',
];

/** Of the browser's own types, what is used here. */
interface Tree {
  querySelectorAll(selector: string): Iterable<{
    readonly localName: string;
    readonly textContent: string | null;
    /** Of a template. */
    readonly content?: Tree;
    readonly attributes: Iterable<{ readonly name: string; readonly localName: string; readonly value: string }>;
    getAttribute(name: string): string | null;
  }>;
}
declare const DOMParser: new () => { parseFromString(text: string, type: 'text/html'): Tree };

/** Runs in the browser: what is active in the trees of each text, in several places that change how it is read. */
function actives(texts: readonly string[]): string[][] {
  const elements = 'script,iframe,frame,frameset,object,embed,applet,form,base,portal,fencedframe';
  return texts.map((text) => {
    const out: string[] = [];
    const look = (root: Tree) => {
      for (const element of root.querySelectorAll('*')) {
        const name = element.localName;
        if (elements.split(',').includes(name.toLowerCase())) out.push(name);
        if (name === 'link' && /stylesheet/i.test(element.getAttribute('rel') ?? '')) out.push(name);
        if (name === 'meta' && /refresh/i.test(element.getAttribute('http-equiv') ?? '')) out.push(name);
        if (name === 'style' && /url\(\/\/|@import/i.test(element.textContent ?? '')) out.push(name);
        for (const { name: attribute, localName, value } of element.attributes) {
          if (value !== '' && /^on(?:error|click)$/i.test(attribute)) out.push(attribute);
          if (['srcdoc', 'formaction'].includes(attribute)) out.push(attribute);
          const address = value.replaceAll(/[\t\n\r]/g, '').trimStart();
          if (['href', 'src'].includes(localName) && /^(?:javascript:|data:text\/html)/i.test(address))
            out.push(attribute);
        }
        if (name === 'template' && element.content) look(element.content);
      }
    };
    for (const before of ['', '<div>', '<svg>', '<math><mi>', '<table>', '<select>'])
      look(new DOMParser().parseFromString(before + text, 'text/html'));
    return [...new Set(out)];
  });
}

describe.skipIf(!existsSync(CHROMIUM))('a browser', { timeout: 120_000 }, () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
    page = await browser.newPage();
  });
  afterAll(() => browser?.close());

  it('finds nothing active in what was disarmed, and much in what was not', async () => {
    const texts = fc.sample(
      fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 25 }).map((pieces) => pieces.join('')),
      RUNS,
    );
    const safe = texts.map((text) => disarmed(text, activeIn(text, true)));
    const found = await page.evaluate(actives, safe);
    expect(found.flatMap((what, i) => (what.length > 0 ? [[what, texts[i]]] : []))).toEqual([]);
    const before = await page.evaluate(actives, texts);
    expect(before.filter((what) => what.length > 0).length).toBeGreaterThan(RUNS / 20);
  });
});
