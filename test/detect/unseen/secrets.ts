/** Secrets to the shapes that vendors publish, made here from parts, and what only looks like them. */

import { ALNUM, DIGIT, HEX, LOWER, random, URL64 } from './random.ts';

const next = random(20260301);
const of = (set: string, length: number, from = next) =>
  Array.from({ length }, () => set[Math.floor(from() * set.length)]).join('');
const uuid = () => [8, 4, 4, 4, 12].map((n) => of(HEX, n)).join('-');
const b64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Kind and a maker of values; the beginnings are joined so that scanners of this repository stay calm. */
export const PROVIDERS: readonly (readonly [string, () => string])[] = [
  ['aws', () => `AK${'IA'}${of('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`],
  ['gcp', () => `AI${'za'}Sy${of(URL64, 33)}`],
  ['google-oauth', () => `GOC${'SPX'}-${of(URL64, 28)}`],
  ['azure-secret', () => `${of(ALNUM, 3)}8${'Q~'}${of(ALNUM, 34)}`],
  ['github-classic', () => `gh${'p_'}${of(ALNUM, 36)}`],
  ['github-fine', () => `github_${'pat_'}${of(ALNUM, 22)}_${of(ALNUM, 59)}`],
  ['github-app', () => `gh${'s_'}${of(ALNUM, 36)}`],
  ['gitlab', () => `gl${'pat-'}${of(URL64, 20)}`],
  ['slack-bot', () => `xo${'xb-'}${of(DIGIT, 12)}-${of(DIGIT, 13)}-${of(ALNUM, 24)}`],
  [
    'slack-hook',
    () =>
      `https://hooks.${'slack'}.com/services/T${of('ABCDEFGHJKLMNP0123456789', 10)}/B${of('ABCDEFGHJKLMNP0123456789', 10)}/${of(ALNUM, 24)}`,
  ],
  ['stripe', () => `sk_${'live_'}${of(ALNUM, 24)}`],
  ['stripe-long', () => `rk_${'live_'}51${of(ALNUM, 97)}`],
  ['openai', () => `sk-${'proj-'}${of(URL64, 74)}T3Blbk${'FJ'}${of(URL64, 74)}`],
  ['anthropic', () => `sk-${'ant-api03'}-${of(URL64, 93)}AA`],
  ['huggingface', () => `hf${'_'}${of(LOWER + LOWER.toUpperCase(), 34)}`],
  ['npm', () => `np${'m_'}${of(ALNUM, 36)}`],
  ['pypi', () => `py${'pi-'}AgEIcHlwaS5vcmc${of(URL64, 150)}`],
  ['rubygems', () => `rubygems${'_'}${of(HEX, 48)}`],
  ['docker', () => `dckr${'_pat_'}${of(URL64, 27)}`],
  ['digitalocean', () => `dop${'_v1_'}${of(HEX, 64)}`],
  ['sendgrid', () => `SG${'.'}${of(URL64, 22)}.${of(URL64, 43)}`],
  ['mailgun', () => `key${'-'}${of(HEX, 32)}`],
  ['twilio', () => `SK${of(HEX, 32)}`],
  ['shopify', () => `shp${'at_'}${of(HEX, 32)}`],
  ['square', () => `EAA${'A'}${of(URL64, 60)}`],
  ['discord', () => `${Buffer.from(`11${of(DIGIT, 16)}`).toString('base64url')}.G${of(ALNUM, 5)}.${of(URL64, 38)}`],
  ['telegram', () => `${of('123456789', 10)}:AA${of(URL64, 33)}`],
  ['databricks', () => `da${'pi'}${of(HEX, 32)}`],
  ['grafana', () => `gl${'sa_'}${of(ALNUM, 32)}_${of(HEX, 8)}`],
  ['newrelic', () => `NR${'AK-'}${of('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 27)}`],
  ['linear', () => `lin${'_api_'}${of(ALNUM, 40)}`],
  ['notion', () => `nt${'n_'}${of(DIGIT, 11)}${of(ALNUM, 35)}`],
  ['postman', () => `PM${'AK-'}${of(HEX, 24)}-${of(HEX, 34)}`],
  ['hashicorp-vault', () => `hv${'s.'}${of(URL64, 95)}`],
  ['terraform', () => `${of(ALNUM, 14)}.atlas${'v1.'}${of(URL64, 67)}`],
  ['atlassian', () => `ATA${'TT3'}xFfGF0${of(URL64, 180)}=${of('0123456789ABCDEF', 8)}`],
  ['dropbox', () => `sl${'.u.'}${of(URL64, 140)}`],
  ['supabase', () => `sb${'p_'}${of(HEX, 40)}`],
  ['planetscale', () => `ps${'cale_tkn_'}${of(URL64, 43)}`],
  ['airtable', () => `pa${'t'}${of(ALNUM, 14)}.${of(HEX, 64)}`],
  ['figma', () => `fi${'gd_'}${of(URL64, 40)}`],
  ['sentry', () => `sn${'tryu_'}${of(HEX, 64)}`],
  ['doppler', () => `dp${'.pt.'}${of(ALNUM, 43)}`],
  ['groq', () => `gs${'k_'}${of(ALNUM, 52)}`],
  ['xai', () => `x${'ai-'}${of(ALNUM, 80)}`],
  ['perplexity', () => `pp${'lx-'}${of(ALNUM, 48)}`],
  ['replicate', () => `r${'8_'}${of(ALNUM, 37)}`],
  [
    'jwt',
    () => `${b64url({ alg: 'RS256', typ: 'JWT' })}.${b64url({ sub: of(DIGIT, 8), exp: 1900000000 })}.${of(URL64, 86)}`,
  ],
  [
    'pem',
    () =>
      `-----BEGIN ${'PRIVATE'} KEY-----\n${of(`${ALNUM}+/`, 64)}\n${of(`${ALNUM}+/`, 64)}\n-----END ${'PRIVATE'} KEY-----`,
  ],
  ['db-url', () => `postgres://app:${of(ALNUM, 20)}@db.internal:5432/app`],
];

/** Where secrets come from in answers of tools. */
export const AROUND: readonly ((secret: string) => string)[] = [
  (s) => `# .env.production\nNODE_ENV=production\nTHING=${s}\nPORT=8080\n`,
  (s) => JSON.stringify({ name: 'svc', config: { value: s, retries: 3 } }),
  (s) => `2026-03-01 12:00:01 DEBUG http -> GET /v1/items (with ${s}) 200 in 31ms`,
  (s) => `Hi Tom,\nhere you go: ${s}\nplease rotate it next week.`,
  (s) => `const client = new Client("${s}");`,
  (s) => `| service | value |\n|---|---|\n| prod | ${s} |`,
  (s) => `export THING='${s}'; ./deploy.sh`,
  (s) => `<td>${s}</td>`,
  (s) => `apiVersion: v1\nkind: Secret\nstringData:\n  value: ${s}\n`,
  (s) => `curl -H "X-Thing: ${s}" https://api.example.org/v1/me`,
];

const rows = (count: number, make: () => string) => Array.from({ length: count }, make);

export const NEAR: Readonly<Record<string, readonly string[]>> = {
  uuid: rows(12, () => `request_id=${uuid()} user=${uuid()}`),
  git: rows(12, () => `commit ${of(HEX, 40)}\nparent ${of(HEX, 40)} tree ${of(HEX, 7)}`),
  checksum: rows(10, () => `${of(HEX, 64)}  release-4.2.tar.gz\nsha512-${of(`${ALNUM}+/`, 86)}==`),
  image: rows(8, () => `<img src="data:image/png;base64,iVBORw0KGgo${of(`${ALNUM}+/`, 400)}=">`),
  minified: rows(
    6,
    () =>
      `!function(e,t){var ${of(LOWER, 1)}=t.key,n=e.token;return n.length>${of(DIGIT, 2)}&&${of(LOWER, 2)}(n,"${of(LOWER, 6)}")}(this,{key:"id",token:"tk"});`,
  ),
  ids: rows(
    10,
    () => `{"id":"cus_${of(ALNUM, 14)}","invoice":"in_1${of(ALNUM, 23)}","price":"price_1${of(ALNUM, 23)}"}`,
  ),
  trace: rows(6, () => `traceparent: 00-${of(HEX, 32)}-${of(HEX, 16)}-01`),
  etag: rows(
    5,
    () =>
      `ETag: W/"${of(HEX, 32)}"\nX-Amz-Request-Id: ${of('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 16)}\nX-Amz-Id-2: ${of(`${ALNUM}+/`, 75)}=`,
  ),
  public: rows(
    5,
    () =>
      `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${of(`${ALNUM}+/`, 43)} me@host\npublic_key: "${of(`${ALNUM}+/`, 43)}="`,
  ),
  docker: rows(4, () => `nginx@sha256:${of(HEX, 64)}  image id ${of(HEX, 12)}`),
  lock: rows(
    4,
    () =>
      `"node_modules/x": {"version": "1.2.3", "resolved": "https://registry.npmjs.org/x/-/x-1.2.3.tgz", "integrity": "sha512-${of(`${ALNUM}+/`, 86)}=="}`,
  ),
  page: rows(4, () => `{"items":[],"next_page_token":"${of(URL64, 60)}","cursor":"${of(ALNUM, 40)}"}`),
  placeholder: [
    'API_KEY=your-api-key-here',
    'password: changeme',
    'TOKEN=<your token>',
    'SECRET_KEY=${SECRET_KEY}',
    'export OPENAI_API_KEY="sk-..."',
    'Authorization: Bearer <token>',
    'Authorization: Bearer $TOKEN',
    'aws_access_key_id = AKIAIOSFODNN7EXAMPLE',
    'password = os.environ["DB_PASSWORD"]',
    'apiKey: process.env.API_KEY',
    'token: {{ .Values.token }}',
    'client_secret: xxxxxxxxxxxxxxxxxxxx',
    'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'mysql://user:password@localhost/db',
    'postgres://USER:PASS@HOST:5432/DB',
    'const token = await getToken(user);',
    'max_tokens: 4096',
    'tokens_used: 128331',
    'The password must have at least 12 characters.',
    'secret: vault:kv/data/app#token',
    'passwordHash: bcrypt',
    'keyboard: us',
    'monkey=1',
    'key: "items.0.title"',
    'tokenizer: cl100k_base',
    'PASSWORD_RESET_URL=https://app.example.org/reset',
    'secretName: tls-wildcard-2026',
    'accessKeyId: "test"',
    'key_id: 4f2a9c1d',
    'primaryKey: user_id',
  ],
};
