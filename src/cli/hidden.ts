/** Secrets that a person types: from the terminal without echo, or from what is piped in. Never from arguments. */
import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { Trouble, talk } from './terminal.ts';

/** Bytes of a secret. */
const CAP = 65_536;
const [ENTER, RETURN, END, INTERRUPT, ERASE, BACK] = [10, 13, 4, 3, 127, 8];

/** What is piped in, or typed where nothing is. One line end at its end is nothing. Rejects with Trouble. */
export async function readSecret(question: string): Promise<string> {
  if (process.stdin.isTTY) return typed(question);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length;
    if (size > CAP) throw new Trouble(`a secret has ${CAP} bytes at most`);
    chunks.push(chunk as Buffer);
  }
  return text(Buffer.concat(chunks)).replace(/\r?\n$/, '');
}

/** At the terminal of this process, whatever stdin is. Rejects with Trouble where there is none. */
export async function typed(question: string): Promise<string> {
  const terminal = open();
  try {
    // Before the question: whoever types ahead is not shown either.
    terminal.setRawMode(true);
    process.stderr.write(question);
    return await line(terminal);
  } finally {
    terminal.setRawMode(false);
    if (terminal !== process.stdin) terminal.destroy();
    else terminal.pause();
    talk('');
  }
}

function open(): ReadStream {
  if (process.stdin.isTTY) return process.stdin;
  try {
    return new ReadStream(openSync('/dev/tty', 'r'));
  } catch {
    throw new Trouble(
      'there is no terminal to ask at',
      'run this at a terminal, or use another way to unlock the vault',
    );
  }
}

function line(terminal: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let bytes: number[] = [];
    const done = (end: () => void) => {
      terminal.off('data', hear);
      end();
    };
    const hear = (chunk: Buffer) => {
      for (const byte of chunk) {
        if (byte === INTERRUPT) return done(() => reject(new Trouble('given up')));
        if (byte === ENTER || byte === RETURN || byte === END) {
          return done(() => {
            try {
              resolve(text(Buffer.from(bytes)));
            } catch (error) {
              reject(error);
            }
          });
        }
        if (byte === ERASE || byte === BACK)
          bytes = [...Buffer.from([...Buffer.from(bytes).toString()].slice(0, -1).join(''))];
        else if (bytes.length < CAP) bytes.push(byte);
      }
    };
    terminal.on('data', hear);
    terminal.resume();
  });
}

function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Trouble('a secret is one text', 'UTF-8, please; encode bytes as base64');
  }
}
