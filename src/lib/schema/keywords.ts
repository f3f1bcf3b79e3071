/** The keywords of JSON Schema 2020-12 (Core 10, 11; Validation 6, 7) by what they hold. All else has no effect here. */

/** Applied to the same value as the schema that holds them. */
export const SAME_ONE = ['not', 'if', 'then', 'else'] as const;
export const SAME_LIST = ['allOf', 'anyOf', 'oneOf'] as const;
export const SAME_MAP = ['dependentSchemas'] as const;
/** Applied to a part of the value. */
export const PART_ONE = [
  'items',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'propertyNames',
] as const;
export const PART_LIST = ['prefixItems'] as const;
export const PART_MAP = ['properties', 'patternProperties'] as const;
/** Hold definitions and assert nothing. */
export const DEFINITIONS = ['$defs', 'definitions'] as const;

export const ONE: readonly string[] = [...SAME_ONE, ...PART_ONE];
export const LIST: readonly string[] = [...SAME_LIST, ...PART_LIST];
export const MAP: readonly string[] = [...SAME_MAP, ...PART_MAP, ...DEFINITIONS];

export const ASSERTIONS: readonly string[] = words(`
  type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern format maxItems
  minItems uniqueItems maxContains minContains maxProperties minProperties required dependentRequired
`);

/** Say something to a reader and assert nothing. Names that start with `x-` count as such too. */
export const ANNOTATIONS: ReadonlySet<string> = new Set(
  words(`
  title description default examples deprecated readOnly writeOnly $comment $schema $id $anchor $vocabulary
  contentEncoding contentMediaType contentSchema
`),
);

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Change what a reference means by where evaluation came from, or refer to other documents. */
export const REFUSED: ReadonlySet<string> = new Set([
  '$dynamicRef',
  '$dynamicAnchor',
  '$recursiveRef',
  '$recursiveAnchor',
]);

export const KNOWN: ReadonlySet<string> = new Set([...ONE, ...LIST, ...MAP, ...ASSERTIONS, '$ref']);

/** Drafts whose schemas mean the same here, once `items: [..]` and `dependencies` are rewritten. */
export const DIALECTS: ReadonlySet<string> = new Set(
  ['draft/2020-12', 'draft/2019-09', 'draft-07', 'draft-06'].flatMap((draft) =>
    ['http', 'https'].flatMap((scheme) => ['', '#'].map((end) => `${scheme}://json-schema.org/${draft}/schema${end}`)),
  ),
);
