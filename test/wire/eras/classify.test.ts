import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/wire/eras/classify.ts';
import { type Frame, frame } from '../../../src/wire/frame.ts';

const NEW = '2026-07-28';
const OLD = '2025-11-25';
const V = '"io.modelcontextprotocol/protocolVersion"';
const C = '"io.modelcontextprotocol/clientCapabilities"';
const message = (members: string) => frame(Buffer.from(`{"jsonrpc":"2.0",${members}}`)) as Frame;
const request = (method: string, meta?: string) =>
  message(`"id":1,"method":"${method}","params":{${meta === undefined ? '' : `"_meta":{${meta}}`}}`);
const envelope = (version: string) => `${V}:"${version}",${C}:{}`;

describe('classify', () => {
  it.each<[string, string | undefined, string | undefined, string]>([
    // method, _meta, header: the body decides
    ['tools/list', envelope(NEW), NEW, 'modern'],
    ['tools/list', envelope(NEW), undefined, 'modern'],
    ['tools/list', envelope(NEW), OLD, 'frame.header-mismatch'],
    ['tools/list', envelope('2030-01-01'), '2030-01-01', 'modern'],
    ['tools/list', envelope(OLD), OLD, 'modern'],
    ['initialize', envelope(NEW), NEW, 'modern'],
    // a malformed claim never becomes a legacy message
    ['tools/list', `${V}:7,${C}:{}`, undefined, 'frame.envelope'],
    ['tools/list', `${C}:{}`, undefined, 'frame.envelope'],
    ['tools/list', `${C}:{}`, OLD, 'frame.envelope'],
    ['tools/list', `${V}:null`, undefined, 'frame.envelope'],
    ['tools/list', `${V}:"${NEW}"`, NEW, 'modern'],
    ['tools/list', undefined, NEW, 'frame.envelope'],
    ['tools/list', '', NEW, 'frame.envelope'],
    ['tools/list', undefined, '2030-01-01', 'frame.envelope'],
    ['initialize', undefined, NEW, 'frame.header-mismatch'],
    // nothing of the new era
    ['initialize', undefined, undefined, 'legacy'],
    ['initialize', undefined, '2025-03-26', 'legacy'],
    ['tools/list', undefined, undefined, 'legacy'],
    ['tools/list', '"progressToken":1', OLD, 'legacy'],
    ['tools/list', undefined, '2025-06-18', 'legacy'],
    ['tools/list', undefined, '2025-03-26', 'legacy'],
    ['tools/list', undefined, '2024-11-05', 'frame.version'],
    ['tools/list', undefined, 'x', 'frame.version'],
    ['tools/list', undefined, '', 'frame.version'],
  ])('%s {%s} with header %s: %s', (method, meta, version, expected) => {
    const era = classify(request(method, meta), { version });
    expect(typeof era === 'string' ? era : era.fault).toBe(expected);
    if (typeof era !== 'string') expect(era.id).toBe(1);
  });

  it('needs no headers on stdio', () => {
    expect(classify(request('tools/list', envelope(NEW)))).toBe('modern');
    expect(classify(request('tools/list'))).toBe('legacy');
  });

  it('names the versions it has', () => {
    expect(classify(request('tools/list'), { version: '2024-11-05' })).toMatchObject({
      data: { supported: [NEW, OLD, '2025-06-18', '2025-03-26'], requested: '2024-11-05' },
    });
  });

  it('takes a notification by its header where its body is silent', () => {
    const note = message('"method":"notifications/cancelled","params":{"requestId":1}');
    expect(classify(note, { version: NEW })).toBe('modern');
    expect(classify(note, { version: OLD })).toBe('legacy');
    expect(classify(note)).toBe('legacy');
  });

  it('takes no responses in the new era', () => {
    const response = message('"id":1,"result":{}');
    expect(classify(response, { version: NEW })).toEqual({ fault: 'frame.request', id: 1 });
    expect(classify(response, { version: OLD })).toBe('legacy');
  });
});
