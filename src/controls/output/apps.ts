/**
 * MCP Apps (extension io.modelcontextprotocol/ui): pages that a server gives a host to show beside the conversation.
 * Where they are not let through nothing that leaves is one; where they are, they may reach and use what was named for
 * the upstream and nothing else. Who may see or call a tool is not decided by what a server says of its visibility.
 */
import type { AppBounds } from '../../core/rules.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';

/** Lists of a content security policy. */
const DOMAINS = ['connectDomains', 'resourceDomains', 'frameDomains', 'baseUriDomains'] as const;
const PROFILE = /;\s*profile\s*=\s*"?mcp-app/i;

/** Whether the contents of a resource say that they are a page of an app. */
export function isApp({ mimeType }: JsonObject): boolean {
  return typeof mimeType === 'string' && PROFILE.test(mimeType);
}

/** The result with its apps bounded, or without any; the same object when it has nothing of the kind. */
export function bounded(value: JsonObject, bounds: AppBounds | undefined): JsonObject {
  const made: JsonObject = {};
  each(made, value, 'contents', (item) => page(item, bounds));
  each(made, value, 'content', (item) => block(item, bounds));
  each(made, value, 'messages', (item) => {
    if (!isObject(item) || item['content'] === undefined) return item;
    const content = block(item['content'], bounds);
    return content === item['content'] ? item : { ...item, content };
  });
  const whole = Object.keys(made).length === 0 ? value : { ...value, ...made };
  return withoutUi(whole);
}

function block(item: Json, bounds: AppBounds | undefined): Json {
  if (!isObject(item)) return item;
  const { resource } = item;
  const inner = resource === undefined ? undefined : page(resource, bounds);
  return withoutUi(inner === undefined || inner === resource ? item : { ...item, resource: inner });
}

/** The contents of one resource. */
function page(item: Json, bounds: AppBounds | undefined): Json {
  if (!isObject(item)) return item;
  const { _meta: meta } = item;
  const ui = isObject(meta) ? meta['ui'] : undefined;
  if (!bounds) {
    const plain = isApp(item) ? { ...item, mimeType: 'text/plain' } : item;
    return withoutUi(plain);
  }
  if (ui === undefined) return item;
  return { ...item, _meta: { ...(meta as JsonObject), ui: isObject(ui) ? kept(ui, bounds) : {} } };
}

function kept(
  { csp, permissions, prefersBorder }: JsonObject,
  { domains, permissions: granted }: AppBounds,
): JsonObject {
  const ui: JsonObject = {};
  if (isObject(csp)) {
    const own: JsonObject = {};
    for (const list of DOMAINS) {
      const asked = csp[list];
      if (Array.isArray(asked)) own[list] = asked.filter((one) => typeof one === 'string' && domains.includes(one));
    }
    ui['csp'] = own;
  }
  if (isObject(permissions)) {
    ui['permissions'] = Object.fromEntries(
      granted.flatMap((one) => (permissions[one] === undefined ? [] : [[one, {}]])),
    );
  }
  if (typeof prefersBorder === 'boolean') ui['prefersBorder'] = prefersBorder;
  return ui;
}

function withoutUi(item: JsonObject): JsonObject {
  const { _meta: meta, ...rest } = item;
  if (!isObject(meta) || (meta['ui'] === undefined && meta['ui/resourceUri'] === undefined)) return item;
  const { ui: _, 'ui/resourceUri': _flat, ...others } = meta;
  return Object.keys(others).length === 0 ? rest : { ...rest, _meta: others };
}

function each(into: JsonObject, value: JsonObject, member: string, change: (item: Json) => Json): void {
  const list = value[member];
  if (!Array.isArray(list)) return;
  const made = list.map(change);
  if (made.some((item, i) => item !== list[i])) into[member] = made;
}
