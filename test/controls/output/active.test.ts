/** Active content of results: marked for the host by default, made plain words where so configured (guarantee OU6). */
import { describe, expect, it } from 'vitest';
import { MARK } from '../../../src/controls/output/active.ts';
import { output } from '../../../src/controls/output/index.ts';
import { compile, schema } from '../../../src/controls/output/rules.ts';
import type { Call, Message, Pinned, Result } from '../../../src/core/call.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { view } from '../cases.ts';

const facts = { reads: true, writes: false, destructive: false, executes: false, sendsOut: false };
const pin = (outputSchema?: JsonObject): Pinned => ({
  kind: 'tool',
  upstream: 'files',
  name: 't',
  digest: '',
  descriptor: { name: 't', ...(outputSchema && { outputSchema }) },
  facts,
  exceptions: {},
});
type Said = { readonly kind: string; readonly code?: string; readonly what?: string; readonly value: JsonObject };
function said(value: JsonObject, active: string, some: Partial<Call> = {}, target = pin()): Said {
  const rules = compile(schema.parse({ active }), {
    pinned: [target],
    apps: new Map([['files', { domains: [], permissions: [] }]]),
  });
  const verdict = output.inspect!(
    view({ target, ...some }),
    { kind: 'result', value },
    rules,
    memoryState(() => 0),
  );
  const { kind, ...rest } = verdict as Verdict<Message> & { code?: string; what?: string; value?: Result };
  return { kind, ...rest, value: rest.value?.value ?? value };
}
const text = (words: string) => ({ content: [{ type: 'text', text: words }] });
const read = (item: JsonObject, active = 'label') =>
  (
    said({ contents: [item] }, active, { family: 'read', method: 'resources/read' }).value['contents'] as JsonObject[]
  )[0]!;
const HTML = '<p>Hi</p><script>alert(1)</script>';
const PLAIN = '<p>Hi</p>&lt;script>alert(1)</script>';
const base64 = (words: string) => Buffer.from(words).toString('base64');

describe('active content of a text', () => {
  it('is marked, and every byte of the text stays', () => {
    const { code, what, value } = said(text(`${HTML}<img src=x onerror=x>`), 'label');
    expect([code, what]).toEqual(['output.active', 'script handler']);
    expect(value).toEqual({
      content: [{ type: 'text', text: `${HTML}<img src=x onerror=x>`, _meta: { [MARK]: ['script', 'handler'] } }],
    });
  });

  it('is made plain words, marked no more, or passed, as configured', () => {
    expect(said(text(HTML), 'strip')).toMatchObject({ code: 'output.active', value: text(PLAIN) });
    expect(said(text(HTML), 'pass').kind).toBe('pass');
  });

  it.each(['`<script>` is an element', 'a < b', '<p>Hi</p>', '```html\n<form>\n```'])('is not in %s', (words) => {
    for (const active of ['label', 'strip']) expect(said(text(words), active).kind).toBe('pass');
  });

  it('does not let a server set or shed the mark', () => {
    const block = { type: 'text', text: HTML, _meta: { a: 1, [MARK]: [] } };
    expect(said({ content: [block] }, 'label').value['content']).toEqual([
      { ...block, _meta: { a: 1, [MARK]: ['script'] } },
    ]);
  });

  it('of an error, of a prompt and of a task is no other', () => {
    expect(said({ ...text(HTML), isError: true }, 'strip').value).toMatchObject(text(PLAIN));
    const messages = [{ role: 'user', content: { type: 'text', text: HTML } }];
    const made = said({ messages }, 'strip', { family: 'get', method: 'prompts/get' }).value;
    expect(made).toMatchObject({ messages: [{ content: { text: PLAIN } }] });
    expect(said(text(HTML), 'strip', { family: 'task', method: 'tasks/get' }).value).toMatchObject(text(PLAIN));
  });
});

describe('a structure', () => {
  const value = { structuredContent: { page: [HTML] }, content: [] };
  it('keeps its data, and loses what is active only where so configured', () => {
    expect(said(value, 'label').kind).toBe('pass');
    expect(said(value, 'strip').value['structuredContent']).toEqual({ page: [PLAIN] });
  });

  it('that asks a person is one, too', () => {
    const asked = (message: string) => ({
      resultType: 'input_required',
      inputRequests: { a: { method: 'elicitation/create', params: { message } } },
    });
    expect(said(asked(HTML), 'label').kind).toBe('pass');
    expect(said(asked(HTML), 'strip').value).toEqual(asked(PLAIN));
    const task = (statusMessage: string) => ({ resultType: 'task', statusMessage });
    expect(said(task(HTML), 'strip', { extensions: ['tasks'] }).value).toEqual(task(PLAIN));
  });

  it('is compared with what was promised afterwards', () => {
    const promised = {
      type: 'object',
      properties: { page: { type: 'array', items: { maxLength: HTML.length } } },
    };
    expect(said(value, 'label', {}, pin(promised)).kind).toBe('pass');
    expect(said(value, 'strip', {}, pin(promised))).toMatchObject({ kind: 'stop', code: 'output.schema' });
  });
});

describe('a resource', () => {
  it.each(['text/html', 'Text/HTML; charset=utf-8', 'application/xhtml+xml', 'image/svg+xml', 'text/xml'])(
    'of type %s is plain text for whoever shows it',
    (mimeType) => {
      const item = { uri: 'file:///a', mimeType, text: HTML };
      expect(read(item)).toEqual({ ...item, mimeType: 'text/plain', _meta: { [MARK]: ['script'] } });
      expect(read(item, 'strip')).toEqual({ ...item, text: PLAIN });
      const still = { uri: 'file:///a', mimeType, text: '<p>Hi</p>' };
      expect(read(still)).toEqual(still);
      const blob = { uri: 'file:///a', mimeType, blob: base64(HTML) };
      for (const active of ['label', 'strip'])
        expect(read(blob, active)).toMatchObject({ mimeType: 'text/plain', blob: blob.blob });
    },
  );

  it('with both, text and binary contents, is judged by those that leave', () => {
    const item = { uri: 'file:///a', mimeType: 'text/html', text: 'Hi', blob: base64(HTML) };
    for (const active of ['label', 'strip']) {
      const made = read(item, active);
      expect(made).toMatchObject({ mimeType: 'text/plain', blob: item.blob });
      expect(made).not.toHaveProperty('text');
    }
  });

  it('of two bytes to a character is not shown as a page', () => {
    const blob = Buffer.from(HTML, 'utf16le').toString('base64');
    expect(read({ uri: 'file:///a', mimeType: 'text/html', blob })).toMatchObject({ mimeType: 'text/plain' });
  });

  it('has no fences where it is HTML', () => {
    const words = '```\n<script>alert(1)</script>\n```\n';
    expect(read({ uri: 'file:///a', mimeType: 'text/html', text: words })).toMatchObject({ mimeType: 'text/plain' });
    const markdown = { uri: 'file:///a.md', mimeType: 'text/markdown', text: words };
    expect(read(markdown)).toEqual(markdown);
  });

  it('without a type that is active gets one that is not shown; source code keeps its own', () => {
    expect(read({ uri: 'file:///a.html', text: HTML })).toMatchObject({ mimeType: 'text/plain', text: HTML });
    expect(read({ uri: 'file:///a.vue', mimeType: 'text/x-vue', text: HTML })).toMatchObject({
      mimeType: 'text/x-vue',
      text: HTML,
    });
  });

  it.each([
    ['text/uri-list', 'https://evil.example/'],
    ['application/vnd.mcp-ui.remote-dom+javascript; framework=react', 'root.append(1)'],
    ['text/html', HTML],
  ])('for a host to show, of type %s, is plain text', (mimeType, words) => {
    const made = read({ uri: 'ui://card', mimeType, text: words });
    expect(made).toMatchObject({ mimeType: 'text/plain', text: words });
    if (mimeType !== 'text/html')
      expect(read({ uri: 'UI://card', mimeType, text: words }, 'strip')).toMatchObject({ mimeType: 'text/plain' });
  });

  it('that is the page of an app is let through where apps are, and is plain text where not', () => {
    const page = { uri: 'ui://card', mimeType: 'text/html;profile=mcp-app', text: HTML };
    const shown = (some: Partial<Call>) =>
      said({ contents: [page] }, 'strip', { family: 'read', method: 'resources/read', ...some }).value['contents'];
    expect(shown({ extensions: ['apps'] })).toEqual([page]);
    expect(shown({})).toEqual([{ ...page, mimeType: 'text/plain', text: PLAIN }]);
    const elsewhere = { ...page, uri: 'file:///a' };
    expect(
      said({ contents: [elsewhere] }, 'label', { family: 'read', extensions: ['apps'], method: 'resources/read' }),
    ).toMatchObject({ what: 'script', value: { contents: [{ mimeType: 'text/plain' }] } });
  });

  it('without a type, in bytes, is read as whoever guesses its type would', () => {
    expect(read({ uri: 'file:///a', blob: base64(HTML) })).toMatchObject({
      mimeType: 'text/plain',
      blob: base64(HTML),
    });
    const other = { uri: 'file:///a', blob: base64('\0<p>Hi</p>') };
    expect(read(other)).toEqual(other);
  });

  it('that runs by its address is marked, or loses the address', () => {
    const item = { uri: 'javascript:alert(1)', text: 'Hi' };
    expect(read(item)).toMatchObject({ uri: item.uri, _meta: { [MARK]: ['script'] } });
    expect(read({ ...item, text: HTML }, 'strip')).toMatchObject({ uri: 'about:blank#doorward-removed', text: PLAIN });
  });

  it.each(['text/xsl', 'x-a/b+xml', 'application/a!b+xml', `application/${'a'.repeat(99)}+xml`])(
    '%s is XML',
    (mimeType) => {
      expect(read({ uri: 'file:///a', mimeType, text: HTML })).toMatchObject({ mimeType: 'text/plain' });
    },
  );

  it('in a result is treated alike', () => {
    const resource = { uri: 'file:///a', mimeType: 'text/html', text: HTML };
    const made = said({ content: [{ type: 'resource', resource }] }, 'label').value['content'] as JsonObject[];
    expect(made[0]!['resource']).toMatchObject({ mimeType: 'text/plain', text: HTML });
  });
});

describe('other blocks', () => {
  it('a link that runs something is marked, or leads nowhere', () => {
    const link = { type: 'resource_link', uri: 'java\tscript:alert(1)', name: 'x' };
    const of = (active: string) => (said({ content: [link] }, active).value['content'] as JsonObject[])[0]!;
    expect(of('label')).toMatchObject({ uri: link.uri, _meta: { [MARK]: ['script'] } });
    expect(of('strip')).toMatchObject({ uri: 'about:blank#doorward-removed' });
  });

  it('the words of a link are no page', () => {
    const link = { type: 'resource_link', uri: 'file:///a', name: 'a', title: '<img src=x onerror=x>' };
    const of = (active: string) => (said({ content: [link] }, active).value['content'] as JsonObject[])[0]!;
    expect(of('label')).toEqual({ ...link, _meta: { [MARK]: ['handler'] } });
    expect(of('strip')).toEqual({ ...link, title: '&lt;img src=x onerror=x>' });
  });

  it('a picture that is a program is marked, or loses its program', () => {
    const data = base64('<svg onload="x"><script>x</script></svg>');
    const picture = { type: 'image', mimeType: 'image/svg+xml', data };
    const of = (active: string) => (said({ content: [picture] }, active).value['content'] as JsonObject[])[0]!;
    expect(of('label')).toMatchObject({ data, _meta: { [MARK]: ['handler', 'script'] } });
    expect(Buffer.from(of('strip')['data'] as string, 'base64').toString()).toBe(
      '&lt;svg onload="x">&lt;script>x</script></svg>',
    );
    const wide = Buffer.from('<svg onload="x"></svg>', 'utf16le').toString('base64');
    expect(said({ content: [{ ...picture, data: wide }] }, 'label')).toMatchObject({ what: 'unread' });
    expect(said({ content: [{ ...picture, data: wide }] }, 'strip').value['content']).toMatchObject([
      { mimeType: 'text/plain' },
    ]);
    const html = { ...picture, mimeType: 'text/html' };
    expect(said({ content: [html] }, 'label')).toMatchObject({ what: 'handler script' });
    const still = { type: 'image', mimeType: 'image/svg+xml', data: base64('<svg><path d="M0 0"/></svg>') };
    expect(said({ content: [still] }, 'strip').kind).toBe('pass');
  });
});

it('looks at a large result in slices, with the same verdict', async () => {
  const value = text(`${'word '.repeat(60_000)}${'<b>x</b> '.repeat(2_000)}<script>x</script>`);
  const rules = compile(schema.parse({ cap: 4_000_000, active: 'strip' }), { pinned: [pin()] });
  let turns = 0;
  const breathe = () => {
    turns++;
    return undefined;
  };
  const call = view({ target: pin() });
  const whole = output.inspect!(
    call,
    { kind: 'result', value },
    rules,
    memoryState(() => 0),
  );
  const sliced = output.inspect!(
    call,
    { kind: 'result', value },
    rules,
    memoryState(() => 0),
    breathe,
  );
  expect(sliced).toBeInstanceOf(Promise);
  expect(await sliced).toEqual(whole);
  expect(turns).toBeGreaterThan(10);
});
