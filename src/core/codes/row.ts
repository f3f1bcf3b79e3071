/**
 * One refusal: what the caller sees of it in every era. Texts are fixed; nothing of a request, an upstream or the
 * file system is ever put into them. `{ref}` is replaced by the reference under which the log has the real story.
 */
export interface Row {
  /** HTTP status at a door. */
  readonly http: number;
  /** JSON-RPC error number. Doorward's own lie outside -32768..-32000 (JSON-RPC 2.0 section 5.1). */
  readonly rpc: number;
  readonly text: string;
  /** For the operator: what to do about it. */
  readonly hint: string;
  /** `isError` = a tool result that the model can read and correct itself by; only for visible things. */
  readonly tool: 'isError' | 'rpc';
}

export function rpc(http: number, number: number, text: string, hint: string): Row {
  return { http, rpc: number, text, hint, tool: 'rpc' };
}

/** Visible but refused: in band, HTTP 200, so that a model can correct itself. */
export function inBand(number: number, text: string, hint: string): Row {
  return { http: 200, rpc: number, text, hint, tool: 'isError' };
}
