/** One question over a real connection, and everything that may come back. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RulesFault } from '../../src/core/rules.ts';
import { openJudge } from '../../src/gateway/judge.ts';

let server: Server;
let answer: { status: number; body: string } | undefined;
let seen: unknown;
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      seen = JSON.parse(body);
      if (answer !== undefined)
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const config = (more: object = {}) => ({
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/judge`,
  private: ['127.0.0.0/8'],
  within: 300,
  ask: 'all' as const,
  down: 'hold' as const,
  ...more,
});
const question = { kind: 'result', text: 'some text', evidence: ['todo'] };

describe('openJudge', () => {
  it.each([
    ['a verdict', { status: 200, body: '{"verdict":"hold","why":"x"}' }, 'hold'],
    ['another word', { status: 200, body: '{"verdict":"maybe"}' }, undefined],
    ['no JSON', { status: 200, body: 'hold' }, undefined],
    ['a list', { status: 200, body: '["hold"]' }, undefined],
    ['an error', { status: 500, body: '{"verdict":"pass"}' }, undefined],
    ['a redirect', { status: 302, body: '{"verdict":"pass"}' }, undefined],
    ['too much', { status: 200, body: `{"verdict":"pass","why":"${'x'.repeat(8192)}"}` }, undefined],
    ['nothing in time', undefined, undefined],
  ])('%s', async (_, given, expected) => {
    answer = given;
    expect(await openJudge(config(), '/')(question)).toBe(expected);
    expect(seen).toEqual(question);
  });

  it('says where an address is wrong', () => {
    const fault = (() => {
      try {
        openJudge(config({ url: 'ftp://judge.example/' }), '/');
      } catch (error) {
        return error;
      }
    })() as RulesFault;
    expect(fault).toBeInstanceOf(RulesFault);
    expect(fault.path.slice(0, 2)).toEqual(['screen', 'judge']);
  });
});
