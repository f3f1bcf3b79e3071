/** One small exchange, whole: a document fetched, a form posted. A redirect is an answer like any other. */
import type { Dialler, Outgoing } from './dialler.ts';
import type { NetFault } from './fault.ts';

export interface Whole {
  readonly status: number;
  /** The one value of a header; throws NetFault when it came twice. */
  header(name: string): string | undefined;
  readonly body: Uint8Array;
}

/** Rejects with NetFault. `request.caps` bounds size and time. */
export function once(dialler: Pick<Dialler, 'send'>, request: Outgoing): Promise<Whole> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let head: Omit<Whole, 'body'>;
    dialler.send(request, {
      head(given) {
        head = given;
      },
      data: (chunk) => void chunks.push(chunk),
      end: () => resolve({ status: head.status, header: head.header, body: Buffer.concat(chunks) }),
      fail: (fault: NetFault) => reject(fault),
    });
  });
}
