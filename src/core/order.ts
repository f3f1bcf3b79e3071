/**
 * The order of checks, as data. Nothing else decides it. A row is a control, a column is a family of calls;
 * a table lists only what is built. House rule "Order".
 */
import type { Family, Message } from './call.ts';

export type ControlId =
  | 'halt'
  | 'limits'
  | 'seal'
  | 'input'
  | 'asks'
  | 'policy'
  | 'screen'
  | 'redact'
  | 'approval'
  | 'output';
export type Column = Family | 'note';

export interface Row {
  readonly id: ControlId;
  readonly question: string;
  readonly on: ReadonlySet<Column>;
}

export const ORDER_IN = table(`
           call list read get complete listen task | the question it answers
  halt     *    *    *    *   *        *      *    | has a person stopped this?
  limits   *    *    *    *   *        *      *    | too often, too many at once, too dear?
  seal     *    -    -    -   -        -      -    | is what is sealed sealed for this?
  input    *    -    *    *   *        -      *    | are the arguments what was promised?
  asks     *    -    *    *   -        -      -    | is this an answer to what was asked?
  policy   *    -    *    *   *        *      *    | may they do this, to that, now?
  screen   *    -    -    *   *        -      -    | hidden text, injection in arguments?
  redact   *    -    *    *   *        -      *    | no secret leaves by arguments (by grant)
  approval *    -    *    *   *        -      -    | does a person agree, where one was asked for?
`);

export const ORDER_OUT = table(`
           call list read get complete listen task note | what leaves
  seal     *    -    -    -   -        -      *    *    | no named field leaves in plain
  policy   *    *    -    -   -        -      *    -    | a listing keeps what \`list\` allows, a result the fields that are needed
  asks     *    -    *    *   -        -      -    -    | may the server ask the client for this?
  screen   *    *    *    *   *        -      *    *    | hidden text, injection -> quarantine
  redact   *    *    *    *   *        *      *    *    | no secret or card number leaves
  output   *    *    *    *   *        *      *    *    | last: reviewed names, schema, cap, generic errors
`);

function table(text: string): readonly Row[] {
  const [head, ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((part) => part.trim().split(/ +/)));
  const columns = head![0] as Column[];
  return lines.map(([cells, question]) => {
    const [id, ...marks] = cells!;
    return {
      id: id as ControlId,
      question: question!.join(' '),
      on: new Set(columns.filter((_, i) => marks[i] === '*')),
    };
  });
}

/** The OUT column of a message: a notification has its own, a reply that of its call. */
export function column(family: Family, message: Message): Column {
  return message.kind === 'notification' ? 'note' : family;
}
