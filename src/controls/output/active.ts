/**
 * Active content of a result (guarantee OU6), for whatever shows it: marked for the host, and typed as plain text where
 * its type asks to be rendered; or made plain words, where so configured. Pages of MCP Apps run by design: apps.ts bounds
 * those that are let through, and makes plain text of all others.
 */
import type { Slices } from '../../core/slices.ts';
import { type Active, acting, disarmed, mayAct, runs } from '../../detect/active.ts';
import { isObject, isRawNumber, type Json, type JsonObject } from '../../lib/json/types.ts';
import { isApp } from './apps.ts';

/** In `_meta` of a content block, or of the contents of a resource: the kinds that were found there. */
export const MARK = 'dev.doorward/active';

/** Types that hosts render and that can hold script. */
const RENDERED = /^\s*(?:text\/(?:html|xml|xsl)|[^\s/;]+\/(?:[^\s/;]+\+)?xml|multipart\/related)(?![\w.+-])/i;
const SVG = /^\s*image\/svg/i;
/** Under `ui:` a host shows whatever it knows a way to show: lists of addresses become frames, scripts run. */
const PAGE = /^\s*ui:/i;
const INERT = /^\s*(?:text\/(?:plain|markdown|csv)|application\/json|image\/(?!svg)|audio\/|video\/)/i;
const PLAIN = 'text/plain';
const REMOVED = 'about:blank#doorward-removed';
/** Two bytes to a character: not read here, but by a browser. */
const UNREAD: Active = { at: 0, kind: 'unread', link: false };

/** Members that have no place for a mark: structure, questions to a person, what is said of a task. */
const DATA = ['structuredContent', 'inputRequests', 'statusMessage'] as const;

export type Mode = 'label' | 'strip';

/** False proves that nothing in this result is active. */
export function mayBeActive(value: JsonObject, mode: Mode): boolean {
  if (mode === 'strip' && DATA.some((member) => value[member] !== undefined)) return true;
  return [value['content'], value['contents'], value['messages']].some(
    (list) => Array.isArray(list) && list.some(mayBeActiveItem),
  );
}

function mayBeActiveItem(item: Json): boolean {
  if (!isObject(item)) return false;
  const { type, text } = isObject(item['content']) ? item['content'] : item;
  return type !== 'text' || typeof text !== 'string' || mayAct(text);
}

export interface Settled {
  /** The same object when nothing is active. */
  readonly value: JsonObject;
  /** Kinds, for the log. */
  readonly what: string;
}

/** `apps`: pages of apps are let through. */
export function* settling(value: JsonObject, mode: Mode, apps: boolean): Slices<Settled> {
  const work = new Work(mode, apps);
  const made: JsonObject = {};
  for (const [member, change] of [
    ['content', (item: Json) => work.block(item)],
    ['contents', (item: Json) => work.page(item)],
    ['messages', (item: Json) => work.message(item)],
  ] as const) {
    const list = value[member];
    if (!Array.isArray(list)) continue;
    const next: Json[] = [];
    for (const item of list) next.push(yield* change(item));
    if (next.some((item, i) => item !== list[i])) made[member] = next;
  }
  for (const member of mode === 'strip' ? DATA : []) {
    const data = value[member];
    if (data === undefined) continue;
    const next = yield* work.words(data);
    if (next !== data) made[member] = next;
  }
  const same = Object.keys(made).length === 0;
  return { value: same ? value : { ...value, ...made }, what: [...work.kinds].join(' ') };
}

class Work {
  readonly kinds = new Set<string>();
  readonly #strip: boolean;
  readonly #apps: boolean;

  constructor(mode: Mode, apps: boolean) {
    this.#strip = mode === 'strip';
    this.#apps = apps;
  }

  *message(item: Json): Slices<Json> {
    if (!isObject(item) || item['content'] === undefined) return item;
    const content = yield* this.block(item['content']);
    return content === item['content'] ? item : { ...item, content };
  }

  *block(item: Json): Slices<Json> {
    if (!isObject(item)) return item;
    const { type, text, resource, data, mimeType } = item;
    if (type === 'text' && typeof text === 'string') {
      const found = yield* this.#found(text, false);
      if (found.length === 0) return item;
      return this.#strip ? { ...item, text: disarmed(text, found) } : marked(item, found);
    }
    if (type === 'resource' && resource !== undefined) {
      const inner = yield* this.page(resource);
      return inner === resource ? item : { ...item, resource: inner };
    }
    if (type === 'resource_link') return yield* this.#link(item);
    if (typeof data === 'string' && typeof mimeType === 'string' && (SVG.test(mimeType) || RENDERED.test(mimeType))) {
      const picture = Buffer.from(data, 'base64').toString('utf8');
      if (picture.includes('\0')) {
        this.kinds.add(UNREAD.kind);
        return marked(this.#strip ? { ...item, mimeType: PLAIN } : item, [UNREAD]);
      }
      const found = yield* this.#found(picture, true);
      if (found.length === 0) return item;
      if (!this.#strip) return marked(item, found);
      return { ...item, data: Buffer.from(disarmed(picture, found)).toString('base64') };
    }
    return item;
  }

  /** A host shows its words, and goes where it leads. */
  *#link(item: JsonObject): Slices<Json> {
    const all: Active[] = [];
    const plain: JsonObject = {};
    for (const name of ['name', 'title', 'description']) {
      const words = item[name];
      if (typeof words !== 'string') continue;
      const found = yield* this.#found(words, true);
      all.push(...found);
      plain[name] = disarmed(words, found);
    }
    if (typeof item['uri'] === 'string' && runs(item['uri'])) {
      all.push({ at: 0, kind: 'script', link: true });
      plain['uri'] = REMOVED;
    }
    for (const { kind } of all) this.kinds.add(kind);
    if (all.length === 0) return item;
    return this.#strip ? { ...item, ...plain } : marked(item, all);
  }

  /** The contents of one resource. */
  *page(item: Json): Slices<Json> {
    if (!isObject(item)) return item;
    const { uri, text, blob } = item;
    const type = typeof item['mimeType'] === 'string' ? item['mimeType'] : '';
    const page = typeof uri === 'string' && PAGE.test(uri);
    if (page && this.#apps && isApp(item)) return item;
    const rendered = page || RENDERED.test(type);
    const leads = typeof uri === 'string' && runs(uri);
    // What its address and its type do, whatever it holds.
    const odd: Active[] = [];
    if (leads) odd.push({ at: 0, kind: 'script', link: true });
    if (page && type !== '' && !RENDERED.test(type) && !INERT.test(type))
      odd.push({ at: 0, kind: 'frame', link: true });
    let found: Active[] = [];
    // Of contents that have both, the binary ones leave.
    if (typeof blob === 'string') {
      // Without a type a host guesses it, by how the bytes begin.
      const source = rendered || type === '' ? Buffer.from(blob, 'base64').toString('latin1') : '';
      found = rendered && source.includes('\0') ? [UNREAD] : yield* this.#found(source, true);
    } else if (typeof text === 'string') found = yield* this.#found(text, rendered);
    const all = [...odd, ...found];
    if (all.length === 0) return item;
    for (const { kind } of all) this.kinds.add(kind);
    const made: JsonObject = this.#strip && leads ? { ...item, uri: REMOVED } : { ...item };
    if (this.#strip && blob === undefined && typeof text === 'string') {
      made['text'] = disarmed(text, found);
      if (odd.length === 0) return made;
    }
    if (rendered || type === '') made['mimeType'] = PLAIN;
    return marked(made, all);
  }

  /** All strings of a structure. */
  *words(item: Json): Slices<Json> {
    if (typeof item === 'string') {
      const found = yield* this.#found(item, false);
      return found.length === 0 ? item : disarmed(item, found);
    }
    if (typeof item !== 'object' || item === null || isRawNumber(item)) return item;
    if (Array.isArray(item)) {
      const next: Json[] = [];
      for (const one of item) next.push(yield* this.words(one));
      return next.some((one, i) => one !== item[i]) ? next : item;
    }
    const next: [string, Json][] = [];
    let same = true;
    for (const [name, inner] of Object.entries(item)) {
      const made = yield* this.words(inner!);
      same &&= made === inner;
      next.push([name, made]);
    }
    return same ? item : Object.fromEntries(next);
  }

  *#found(text: string, html: boolean): Slices<Active[]> {
    if (!mayAct(text)) return [];
    const found = yield* acting(text, html);
    for (const { kind } of found) this.kinds.add(kind);
    return found;
  }
}

function marked(item: JsonObject, found: readonly Active[]): JsonObject {
  const meta = isObject(item['_meta']) ? item['_meta'] : {};
  return { ...item, _meta: { ...meta, [MARK]: [...new Set(found.map(({ kind }) => kind))] } };
}
