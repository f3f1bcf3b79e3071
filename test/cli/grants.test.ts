import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withGrants } from '../../src/cli/review/grants.ts';

const GRANTS = { allow: ['files.a', 'files.new'], ask: ['files.w'] };

describe('grants are added and nothing else is touched', () => {
  it.each<[what: string, before: string, after: string]>([
    [
      'lists in use, comments and odd spacing',
      `doorward: 1
upstreams:
    files: { run: [npx,   -y] } # odd   spacing
policy: # not listed, not there
  - to: local # me
    allow: [files.a, files.b]
    ask:
      - files.c # because
  - to: local
    allow: [files.d]
    when: { hours: "Mon-Fri 07:00-19:00 Europe/Berlin" }

# before unsafe
unsafe:   { run-as-root: "why not" }
`,
      `doorward: 1
upstreams:
    files: { run: [npx,   -y] } # odd   spacing
policy:
  # not listed, not there
  - to: local # me
    allow: [files.a, files.b, files.new]
    ask:
      - files.c # because
      - files.w
  - to: local
    allow: [files.d]
    when: {hours: "Mon-Fri 07:00-19:00 Europe/Berlin"}

# before unsafe
unsafe:   { run-as-root: "why not" }
`,
    ],
    [
      'an empty list before other keys',
      'doorward: 1\npolicy: []\n# end\nupstreams:   {}',
      `doorward: 1
policy:
  - to: local
    allow:
      - files.a
      - files.new
    ask:
      - files.w
# end
upstreams:   {}`,
    ],
    [
      'no policy and no last line end',
      'doorward: 1\nupstreams:   {}',
      `doorward: 1
upstreams:   {}
policy:
  - to: local
    allow:
      - files.a
      - files.new
    ask:
      - files.w
`,
    ],
    [
      'others have grants, local has none without a condition',
      'policy:\n  - { to: { group: x }, allow: [files.b] }\nupstreams:   {}\n',
      `policy:
  - {to: {group: x}, allow: [files.b]}
  - to: local
    allow:
      - files.a
      - files.new
    ask:
      - files.w
upstreams:   {}
`,
    ],
  ])('%s', (_what, before, after) => {
    const made = withGrants(before, GRANTS);
    expect(made).toEqual({ text: after, lines: 2 });
    expect(withGrants(made.text, GRANTS)).toEqual({ text: made.text, lines: 0 });
  });

  it('works on a file that is one map in braces', () => {
    const { text } = withGrants('{doorward: 1, upstreams: {}, policy: []}', GRANTS);
    expect(parse(text)).toEqual({
      doorward: 1,
      upstreams: {},
      policy: [{ to: 'local', allow: GRANTS.allow, ask: GRANTS.ask }],
    });
  });

  it('leaves what somebody decided: a granted name is not proposed again, under either word', () => {
    const text = 'policy: [{ to: { group: x }, ask: [files.a, files.new], allow: [files.w] }]\n';
    expect(withGrants(text, GRANTS)).toEqual({ text, lines: 0 });
  });
});
