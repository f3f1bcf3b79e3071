/** Tokens of vendors beyond those of `secrets.ts`, to their published shapes; where there is no prefix, a name tells. */
import { ALNUM, DIGIT, HEX, LETTER, LOWER, maker, UPPER, URL64 } from './random.ts';

const m = maker(20261121);
const { of, uuid } = m;
const b64 = (s: string) => Buffer.from(s).toString('base64');
const BECH32 = 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L';

/** Vendor, a maker, and the name that the value stands behind where the shape alone says nothing. */
export const VENDORS: readonly (readonly [string, () => string, string?])[] = [
  ['tailscale', () => `tskey${'-auth-'}k${m.machine(16)}-${m.machine(32)}`],
  ['tailscale-api', () => `tskey${'-api-'}k${m.machine(16)}-${m.machine(32)}`],
  ['1password', () => `ops${'_'}${b64(`{"signInAddress":"x","secretKey":"${of(ALNUM, 180)}"}`)}`],
  [
    '1password-secret',
    () =>
      `A3-${of(UPPER + DIGIT, 6)}-${of(UPPER + DIGIT, 11)}-${of(UPPER + DIGIT, 5)}-${of(UPPER + DIGIT, 5)}-${of(UPPER + DIGIT, 5)}`,
  ],
  ['age', () => `AGE-SECRET${'-KEY-1'}${of(BECH32, 58)}`],
  ['buildkite', () => `bkua${'_'}${of(LOWER + DIGIT, 40)}`],
  ['circleci', () => `CCIPAT${'_'}${m.machine(22)}_${of(HEX, 40)}`],
  ['clickhouse', () => `4b1d${m.machine(38)}`],
  ['cloudinary', () => `cloudinary://${of(DIGIT, 15)}:${m.machine(27)}@${of(LOWER, 8)}`],
  ['contentful', () => `CFPAT${'-'}${of(URL64, 43)}`],
  ['dynatrace', () => `dt0c01${'.'}${of(UPPER + DIGIT, 24)}.${of(UPPER + DIGIT, 64)}`],
  ['easypost', () => `EZAK${m.machine(54)}`],
  ['facebook', () => `EAA${'G'}${m.machine(160)}`],
  ['frameio', () => `fio${'-u-'}${of(URL64, 64)}`],
  ['harness', () => `pat${'.'}${m.machine(22)}.${of(HEX, 24)}.${m.machine(20)}`],
  ['infracost', () => `ico${'-'}${m.machine(32)}`],
  ['launchdarkly', () => `api${'-'}${uuid()}`, 'LAUNCHDARKLY_ACCESS_TOKEN'],
  ['mailchimp', () => `${of(HEX, 32)}-us12`],
  ['mapbox', () => `sk${'.'}${b64(`{"u":"acme","a":"${of(LOWER + DIGIT, 25)}"}`).replace(/=+$/, '')}.${of(URL64, 22)}`],
  ['newrelic-insert', () => `NRII${'-'}${m.machine(32)}`],
  ['octopus', () => `API${'-'}${of(UPPER + DIGIT, 26)}`],
  ['okta', () => `00${m.machine(40)}`, 'OKTA_API_TOKEN'],
  ['openshift', () => `sha256${'~'}${of(URL64, 43)}`],
  ['openrouter', () => `sk${'-or-v1-'}${of(HEX, 64)}`],
  ['deepseek', () => `sk${'-'}${of(HEX, 32)}`],
  ['prefect', () => `pnu${'_'}${m.machine(36)}`],
  ['pulumi', () => `pul${'-'}${of(HEX, 40)}`],
  ['readme', () => `rdme${'_'}${of(LOWER + DIGIT, 70)}`],
  ['brevo', () => `xkeysib${'-'}${of(HEX, 64)}-${m.machine(16)}`],
  [
    'sentry-org',
    () => `sntrys${'_'}${b64(`{"iat":1,"url":"https://sentry.io","org":"acme"}`).replace(/=+$/, '')}_${of(ALNUM, 43)}`,
  ],
  ['shippo', () => `shippo${'_live_'}${of(HEX, 40)}`],
  ['sonar', () => `squ${'_'}${of(HEX, 40)}`],
  ['typeform', () => `tfp${'_'}${of(URL64, 44)}_${m.machine(14)}`],
  ['vault-batch', () => `hvb${'.'}${of(URL64, 150)}`],
  ['elevenlabs', () => `sk${'_'}${of(HEX, 48)}`],
  ['fireworks', () => `fw${'_'}${m.machine(24)}`],
  ['cerebras', () => `csk${'-'}${of(LOWER + DIGIT, 48)}`],
  ['nvidia', () => `nvapi${'-'}${of(URL64, 64)}`],
  ['langsmith', () => `lsv2_pt${'_'}${of(HEX, 32)}_${of(HEX, 10)}`],
  ['langfuse', () => `sk${'-lf-'}${uuid()}`],
  ['pinecone', () => `pcsk${'_'}${m.machine(6)}_${m.machine(63)}`],
  ['wandb', () => of(HEX, 40), 'WANDB_API_KEY'],
  ['tavily', () => `tvly${'-dev-'}${m.machine(32)}`],
  ['firecrawl', () => `fc${'-'}${of(HEX, 32)}`],
  ['apify', () => `apify${'_api_'}${m.machine(36)}`],
  ['brave', () => `BSA${of(URL64, 28)}`, 'BRAVE_API_KEY'],
  ['jina', () => `jina${'_'}${of(HEX, 32)}${m.machine(28)}`],
  ['posthog', () => `phx${'_'}${m.machine(43)}`],
  ['resend', () => `re${'_'}${m.machine(8)}_${m.machine(24)}`],
  ['postmark', () => uuid(), 'POSTMARK_SERVER_TOKEN'],
  ['clerk', () => `sk${'_live_'}${m.machine(42)}`],
  ['atlas', () => `mdb_sa${'_sk_'}${of(URL64, 40)}`],
  ['aiven', () => `AVNS${'_'}${m.machine(19)}`],
  ['hetzner', () => m.machine(64), 'HCLOUD_TOKEN'],
  ['linode', () => of(HEX, 64), 'LINODE_TOKEN'],
  ['vultr', () => of(UPPER + DIGIT, 36), 'VULTR_API_KEY'],
  ['jenkins', () => `11${of(HEX, 32)}`, 'JENKINS_API_TOKEN'],
  ['snyk', () => uuid(), 'SNYK_TOKEN'],
  ['azure-openai', () => of(HEX, 32), 'AZURE_OPENAI_API_KEY'],
  ['datadog', () => of(HEX, 32), 'DD_API_KEY'],
  ['twilio', () => of(HEX, 32), 'TWILIO_AUTH_TOKEN'],
  ['aws-secret', () => of(`${ALNUM}/+`, 40), 'AWS_SECRET_ACCESS_KEY'],
  ['aws-session', () => `IQoJb3JpZ2luX2Vj${of(`${ALNUM}/+`, 300)}==`, 'AWS_SESSION_TOKEN'],
  ['mistral', () => m.machine(32), 'MISTRAL_API_KEY'],
  ['cohere', () => m.machine(40), 'COHERE_API_KEY'],
  ['slack-config', () => `xoxe${'.xoxp-1-'}${m.machine(146)}`],
  ['slack-signing', () => of(HEX, 32), 'SLACK_SIGNING_SECRET'],
  ['openai-service', () => `sk${'-svcacct-'}${of(URL64, 58)}T3Blbk${'FJ'}${of(URL64, 58)}`],
  ['openai-admin', () => `sk${'-admin-'}${of(URL64, 58)}T3Blbk${'FJ'}${of(URL64, 58)}`],
  ['anthropic-admin', () => `sk${'-ant-admin01'}-${of(URL64, 93)}AA`],
  ['gitlab-routable', () => `gl${'pat-'}${of(URL64, 27)}.01.${of(LOWER + DIGIT, 9)}`],
  ['gitlab-trigger', () => `gl${'ptt-'}${of(HEX, 40)}`],
  ['github-oauth', () => `gh${'o_'}${m.machine(36)}`],
  ['github-refresh', () => `gh${'r_'}${m.machine(76)}`],
  ['huggingface-org', () => `api${'_org_'}${of(LETTER, 34)}`],
  ['discord-hook', () => `https://discord.com/api/webhooks/${of('123456789', 18)}/${of(URL64, 68)}`],
  ['square-secret', () => `sq0${'csp-'}${of(URL64, 43)}`],
  ['shopify-shared', () => `shp${'ss_'}${of(HEX, 32)}`],
  ['stripe-hook', () => `wh${'sec_'}${m.machine(32)}`],
  ['databricks-new', () => `da${'pi'}${of(HEX, 32)}-2`],
  ['confluent', () => `cflt${of(`${ALNUM}+/`, 60)}`, 'CONFLUENT_API_SECRET'],
  [
    'gcp-json',
    () =>
      `{"type":"service_account","private_key_id":"${of(HEX, 40)}","private_key":"-----BEGIN ${'PRIVATE'} KEY-----\\n${of(`${ALNUM}+/`, 64)}\\n-----END ${'PRIVATE'} KEY-----\\n"}`,
  ],
  [
    'ssh',
    () =>
      `-----BEGIN OPENSSH ${'PRIVATE'} KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n${of(`${ALNUM}+/`, 70)}\n-----END OPENSSH ${'PRIVATE'} KEY-----`,
  ],
  ['amqp', () => `amqps://svc:${m.machine(20)}@mq.internal/vhost`],
  ['mongo', () => `mongodb+srv://svc:${m.machine(20)}@cluster0.ab1cd.mongodb.net/app`],
  ['redis', () => `redis://:${m.machine(20)}@cache.internal:6379/0`],
  ['basic-auth', () => `https://bot:${m.machine(20)}@git.internal/x.git`],
];

/** In which part of the value nothing may be left. */
export function core(value: string): string {
  const url = /:([^:@/]{16,})@/.exec(value)?.[1];
  if (url !== undefined) return url;
  const lines = value.split(/\n|\\n/);
  return lines.length > 1 ? lines[lines.length - 2]!.slice(-40) : value.slice(-14);
}
