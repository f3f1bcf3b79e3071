/** A caller over one kept connection, in one revision: `call` gives the text of the answer, or the reason for none. */
import { Agent } from 'node:http';
import { type Answer, events, http, INITIALIZE, legacy, modern } from '../doors/client.ts';

export type Era = '2026-07-28' | '2025-11-25' | '2025-06-18' | '2025-03-26';
export interface Reply {
  readonly status: number;
  readonly ms: number;
  /** Text of a plain result. */
  readonly text?: string;
  /** All texts of a plain result, one to a line. */
  readonly whole?: string;
  /** Text of a result that is an error, or the message of a JSON-RPC error. */
  readonly error?: string;
}

export class Caller {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  readonly #path: string;
  readonly #era: Era;
  readonly #authorization: string;
  #session: Record<string, string> | undefined;
  #id = 0;

  constructor(url: string, path: string, token: string, era: Era = '2026-07-28') {
    this.#url = url;
    this.#path = path;
    this.#era = era;
    this.#authorization = `Bearer ${token}`;
  }

  /** Rejects when the connection does. */
  async call(tool: string, args: object): Promise<Reply> {
    const began = performance.now();
    let answer: Answer;
    if (this.#era === '2026-07-28') answer = await this.#ask(modern(++this.#id, tool, args));
    else {
      this.#session ??= await this.#open();
      answer = await this.#ask({ headers: this.#session, body: legacy(++this.#id, tool, args) });
      if (answer.status === 404) this.#session = undefined;
    }
    return { ...read(answer), status: answer.status, ms: performance.now() - began };
  }

  async #open(): Promise<Record<string, string>> {
    const { headers, text } = await this.#ask({
      headers: {},
      body: { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: this.#era } },
    });
    const id = headers['mcp-session-id'];
    if (typeof id !== 'string') throw new Error(`no session: ${text}`);
    return { 'mcp-session-id': id, 'mcp-protocol-version': this.#era };
  }

  #ask({ headers, body }: { headers: Record<string, string>; body: object }): Promise<Answer> {
    const authorization = this.#authorization;
    return http(this.#url, {
      path: this.#path,
      headers: { ...headers, authorization },
      body: JSON.stringify(body),
      agent: this.#agent,
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function read({ json, text }: Answer): { text?: string; whole?: string; error?: string } {
  const message = text.startsWith('{') ? json : events(text).find((event) => 'result' in event || 'error' in event);
  const result = message?.['result'] as { isError?: boolean; content: { text: string }[] } | undefined;
  const said = result?.content?.[0]?.text ?? (message?.['error'] as { message: string } | undefined)?.message ?? text;
  const whole = result?.content?.map((block) => block.text).join('\n') ?? said;
  return result && !result.isError ? { text: said, whole } : { error: said };
}
