/** Where passwords and tokens stand: command lines, files of configuration, other languages, encodings, pieces. */
import { maker, UPPER } from './random.ts';

const m = maker(20261120);
const person = () => m.human();
const machine = () => m.machine(16 + m.int(12));
type Form = readonly [text: string, secret: string];
const each = (forms: readonly ((p: string) => string)[], make: () => string): Form[] =>
  forms.flatMap((form) => [make(), make()].map((p): Form => [form(p), p]));

const shell = [
  (p: string) => `mysql -u root -p${p} shop < dump.sql`,
  (p: string) => `$ mysqldump -h db.internal -uroot -p'${p}' --all-databases > all.sql`,
  (p: string) => `mysqladmin --user=root --password=${p} ping`,
  (p: string) => `MYSQL_PWD=${p} mysql -u app`,
  (p: string) => `PGPASSWORD=${p} psql -h db -U app -c 'select 1'`,
  (p: string) => `psql "host=db port=5432 user=app password=${p} dbname=shop"`,
  (p: string) => `curl -u deploy:${p} https://repo.internal/x.jar`,
  (p: string) => `curl -sS -X POST --user 'deploy:${p}' https://ci.internal/job`,
  (p: string) => `curl https://ci.internal/job -u "deploy:${p}" -o out`,
  (p: string) => `wget --user=me --password=${p} https://files.internal/a.zip`,
  (p: string) => `wget --http-user me --http-password ${p} https://files.internal/a.zip`,
  (p: string) => `sshpass -p ${p} ssh root@10.0.0.5 uptime`,
  (p: string) => `sshpass -p'${p}' scp a.txt root@10.0.0.5:/tmp`,
  (p: string) => `SSHPASS=${p} sshpass -e ssh root@10.0.0.5`,
  (p: string) => `redis-cli -h cache.internal -a ${p} ping`,
  (p: string) => `REDISCLI_AUTH=${p} redis-cli ping`,
  (p: string) => `mongosh "mongodb://db.internal" --username app --password ${p}`,
  (p: string) => `mongodump -u app -p ${p} --authenticationDatabase admin`,
  (p: string) => `docker login -u bot -p ${p} registry.internal`,
  (p: string) => `podman login --username bot --password ${p} registry.internal`,
  (p: string) => `helm registry login registry.internal -u bot -p ${p}`,
  (p: string) => `az login --service-principal -u ${m.uuid()} -p ${p} --tenant ${m.uuid()}`,
  (p: string) => `sqlcmd -S db.internal -U sa -P '${p}' -Q "select 1"`,
  (p: string) => `net use Z: \\\\srv\\share ${p} /user:corp\\bob`,
  (p: string) => `ldapsearch -x -D "cn=admin,dc=corp" -w ${p} -b dc=corp`,
  (p: string) => `openssl pkcs12 -in a.p12 -passin pass:${p} -nodes`,
  (p: string) => `openssl enc -d -aes-256-cbc -in a.enc -k ${p}`,
  (p: string) => `keytool -list -keystore a.jks -storepass ${p}`,
  (p: string) => `jarsigner -keystore a.jks -storepass ${p} -keypass ${p} a.jar me`,
  (p: string) => `7z x -p${p} backup.7z`,
  (p: string) => `unzip -P ${p} backup.zip`,
  (p: string) => `zip -r -P ${p} backup.zip data`,
  (p: string) => `gpg --batch --passphrase ${p} -d a.gpg`,
  (p: string) => `htpasswd -b /etc/nginx/.htpasswd bob ${p}`,
  (p: string) => `echo '${p}' | sudo -S apt-get update`,
  (p: string) => `echo "root:${p}" | chpasswd`,
  (p: string) => `lftp -u bob,${p} sftp://files.internal`,
  (p: string) => `smbclient //srv/share -U 'bob%${p}' -c ls`,
  (p: string) => `mount -t cifs //srv/share /mnt -o username=bob,password=${p}`,
  (p: string) => `kubectl create secret generic db --from-literal=password=${p}`,
  (p: string) => `ansible all -m ping -e "ansible_ssh_pass=${p}"`,
  (p: string) => `http -a bob:${p} GET https://api.internal/me`,
  (p: string) => `ipmitool -I lanplus -H 10.0.0.9 -U admin -P ${p} power status`,
  (p: string) => `xfreerdp /v:10.0.0.9 /u:bob /p:${p}`,
  (p: string) => `rabbitmqctl add_user bob ${p}`,
  (p: string) => `rabbitmqctl change_password bob '${p}'`,
  (p: string) => `cqlsh db.internal -u cassandra -p ${p}`,
  (p: string) => `skopeo copy --src-creds bot:${p} docker://a docker://b`,
  (p: string) => `beeline -u jdbc:hive2://db:10000 -n bob -p ${p}`,
  (p: string) => `$env:DB_PASSWORD = '${p}'`,
  (p: string) => `set DB_PASSWORD=${p}`,
  (p: string) => `setx DB_PASSWORD "${p}"`,
  (p: string) => `New-LocalUser bob -Password (ConvertTo-SecureString '${p}' -AsPlainText -Force)`,
  (p: string) => `useradd -m -p ${p} bob`,
];

const files = [
  (p: string) => `db:\n  user: app\n  password: |\n    ${p}\n  port: 5432\n`,
  (p: string) => `db:\n  password: >-\n    ${p}\n`,
  (p: string) => `api_token: |-\n  ${p}\nretries: 3\n`,
  (p: string) => `data:\n  token: ${Buffer.from(p).toString('base64')}\n`,
  (p: string) => `# prod\nexport DB_PASSWORD="${p}"\nPORT=80\n`,
  (p: string) => `DB_PASSWORD = '${p}'\n`,
  (p: string) => `[client]\nuser = app\npassword = ${p}\n`,
  (p: string) => `[client]\npassword="${p}"\n`,
  (p: string) => `spring.datasource.username=app\nspring.datasource.password=${p}\n`,
  (p: string) => `db.password: ${p}\n`,
  (p: string) => `db.password=${p}\\\n`,
  (p: string) => `password = "${p}"\n[server]\nport = 1\n`,
  (p: string) => `<datasource><user>app</user><password>${p}</password></datasource>`,
  (p: string) => `<property name="hibernate.connection.password" value="${p}"/>`,
  (p: string) => `<property name="hibernate.connection.password">${p}</property>`,
  (p: string) => `<entry key="db.password">${p}</entry>`,
  (p: string) => `machine api.internal login bob password ${p}\n`,
  (p: string) => `machine api.internal\n  login bob\n  password ${p}\n`,
  (p: string) => `db.internal:5432:shop:app:${p}\n`,
  (p: string) => `//registry.internal/:_authToken=${p}\n`,
  (p: string) => `//registry.internal/:_password="${Buffer.from(p).toString('base64')}"\n`,
  (p: string) => `{"auths":{"registry.internal":{"auth":"${Buffer.from(`bot:${p}`).toString('base64')}"}}}`,
  (p: string) => `environment:\n  - POSTGRES_USER=app\n  - POSTGRES_PASSWORD=${p}\n`,
  (p: string) => `define('DB_PASSWORD', '${p}');`,
  (p: string) => `$config['password'] = '${p}';`,
  (p: string) => `conn = psycopg2.connect(host="db", user="app", password="${p}")`,
  (p: string) => `dataSource.setPassword("${p}");`,
  (p: string) => `config.password = "${p}"`,
  (p: string) => `{:username => "app", :password => "${p}"}`,
  (p: string) => `Server=db;Database=shop;User Id=app;Password=${p};Encrypt=true`,
  (p: string) => `Server=db;Uid=app;Pwd=${p};`,
  (p: string) => `jdbc:postgresql://db/shop?user=app&password=${p}`,
  (p: string) => `ENV API_TOKEN ${p}`,
  (p: string) => `ARG DB_PASSWORD=${p}`,
  (p: string) => `password: !vault-plain ${p}\n`,
  (p: string) => `variable "db_password" {\n  default = "${p}"\n}`,
  (p: string) => `CREATE USER app IDENTIFIED BY '${p}';`,
  (p: string) => `CREATE ROLE app LOGIN PASSWORD '${p}';`,
  (p: string) => `requirepass ${p}\n`,
  (p: string) => `bindpw ${p}\n`,
  (p: string) => `wpa_passphrase=${p}\n`,
  (p: string) => `network={\n ssid="x"\n psk="${p}"\n}`,
  (p: string) => `smtp_sasl_password_maps = static:bob:${p}`,
  (p: string) => `"Username","Password"\n"bob","${p}"\n`,
  (p: string) => `user,password,role\nbob,${p},admin\n`,
  (p: string) => `Username: bob\nPassword:\n${p}\n`,
];

/** Words for password, secret, token and key. */
const languages = [
  'contrase\u00f1a|contrasena|clave_secreta|mot de passe|mot_de_passe|motDePasse|mdp|Passwort|Kennwort',
  'DB_PASSWORT|senha|palavra-passe|chave_secreta|chave_api|segredo|has\u0142o|haslo|heslo|jelsz\u00f3',
  'parola|\u015fifre|sifre|wachtwoord|l\u00f6senord|salasana|adgangskode|passord|kata_sandi',
  'm\u1eadt kh\u1ea9u|lozinka|geslo|slapta\u017eodis|\u043f\u0430\u0440\u043e\u043b\u044c',
  '\u041f\u0430\u0440\u043e\u043b\u044c|\u0441\u0435\u043a\u0440\u0435\u0442|\u5bc6\u7801|\u5bc6\u78bc',
  '\u53e3\u4ee4|\u6570\u636e\u5e93\u5bc6\u7801|\u5bc6\u94a5|\u4ee4\u724c|\u30d1\u30b9\u30ef\u30fc\u30c9',
  '\u30c8\u30fc\u30af\u30f3|\ube44\ubc00\ubc88\ud638|\ud1a0\ud070',
  '\u0643\u0644\u0645\u0629 \u0627\u0644\u0645\u0631\u0648\u0631|\u05e1\u05d9\u05e1\u05de\u05d4',
  '\u03ba\u03c9\u03b4\u03b9\u03ba\u03cc\u03c2|\u0e23\u0e2b\u0e31\u0e2a\u0e1c\u0e48\u0e32\u0e19',
].flatMap((line) => line.split('|'));
const spoken = languages.flatMap((word): ((p: string) => string)[] => [
  (p) => `${word}: ${p}\n`,
  (p) => `user=bob\n${word}=${p}\n`,
  (p) => `{"${word}": "${p}"}`,
  (p) => `\u540d\u524d bob, ${word}\uff1a${p}`,
]);

const key = () => `gh${'p_'}${m.machine(36)}`;
const aws = () => `AK${'IA'}${m.of(`${UPPER}234567`, 16)}`;
const stripe = () => `sk_${'live_'}${m.machine(32)}`;
const hex = (s: string) => Buffer.from(s).toString('hex');
const percent = (s: string) => [...s].map((c) => `%${hex(c)}`).join('');
const marks = (s: string) => s.replace(/[^A-Za-z0-9]/g, (c) => `%${hex(c)}`);
const slashed = (s: string) => [...s].map((c) => `\\x${hex(c)}`).join('');
const entity = (s: string) => [...s].map((c) => `&#${c.charCodeAt(0)};`).join('');
const b64 = (s: string) => Buffer.from(s).toString('base64');
const ENCODED: readonly ((s: string) => readonly [string, string])[] = [
  (s) => [`bytes: ${hex(s)}`, hex(s)],
  (s) => [`bytes: ${hex(s).toUpperCase()} (hex)`, hex(s).toUpperCase()],
  (s) => [`q=${percent(s)}&x=1`, percent(s)],
  (s) => [`q=${marks(s)}&x=1`, marks(s)],
  (s) => [`s = "${slashed(s)}"`, slashed(s)],
  (s) => [`<p>${entity(s)}</p>`, entity(s)],
  (s) => [`blob ${b64(s)} end`, b64(s)],
  (s) => [`blob ${b64(`user: ${s}\nhost: a`)} end`, b64(`user: ${s}\nhost: a`).slice(8, 40)],
  (s) => [`blob ${b64(`{"k":"${s}"}`)} end`, b64(`{"k":"${s}"}`).slice(8, 40)],
];
const encoded = ENCODED.flatMap((form) => [key, aws, stripe].map((make) => form(make())));

const cut = (s: string, at: number) => [s.slice(0, at), s.slice(at)] as const;
const PIECES: readonly ((a: string, b: string) => string)[] = [
  (a, b) => `const k = "${a}" + "${b}";`,
  (a, b) => `$k = '${a}' . '${b}';`,
  (a, b) => `k = ("${a}"\n     "${b}")`,
  (a, b) => `k = "${a}" & "${b}"`,
  (a, b) => `k := "${a}" +\n\t"${b}"`,
  (a, b) => `["${a}", "${b}"].join("")`,
  (a, b) => JSON.stringify({ parts: [a, b] }),
  (a, b) => JSON.stringify({ prefix: a, rest: b }),
  (a, b) => `k = "${a}\\\n${b}"`,
];
const pieces = PIECES.flatMap((form) =>
  [key, aws, stripe].flatMap((make) =>
    [4, 9].map((at) => {
      const [a, b] = cut(make(), at);
      return [form(a, b), b] as const;
    }),
  ),
);

/** By class: the text, and what must not be in what leaves. */
export const FORMS: Readonly<Record<string, readonly Form[]>> = {
  'shell, machine': each(shell, machine),
  'shell, person': each(shell, person),
  'file, machine': each(files, machine),
  'file, person': each(files, person),
  'language, machine': each(spoken, machine),
  'language, person': each(spoken, person),
  encoded,
  pieces,
};
