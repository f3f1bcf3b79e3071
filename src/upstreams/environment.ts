/** The whole environment of a tool server. Nothing of the gateway's own is handed on (guarantee SE4). Pure. */

/** Always there. `/tmp` is the sandbox's own scratch space. */
const BASE: Readonly<Record<string, string>> = { PATH: '/runtime', HOME: '/tmp', LANG: 'C.UTF-8', TMPDIR: '/tmp' };

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** Names that hand over the machine's own identity, or change which code runs. */
const CLOSED = [
  /^(PATH|HOME|LANG|TMPDIR|PWD|IFS|ENV|BASH_ENV)$/i,
  /^(LD|DYLD|GLIBC|MALLOC|GCONV|NODE|NPM|DOORWARD)_/i,
  /^(VAULT|BAO|CONSUL|NOMAD)_(TOKEN|SECRET_ID|ROLE_ID|WRAP)/i,
  /^(AWS|AZURE|ARM|GOOGLE|GCLOUD|GCP|CLOUDSDK|ECS|IDENTITY|MSI)_/i,
  /^(KUBECONFIG|KUBERNETES_.*|DOCKER_.*|SSH_.*|GPG_.*|DBUS_.*|XDG_.*|CREDENTIALS_DIRECTORY)$/i,
];
const MAX_VALUE = 32_768;

/** The reason to refuse a variable, or undefined. Never repeats the value. */
export function refuseVariable(name: string): string | undefined {
  if (!NAME.test(name)) return 'not a name of an environment variable';
  if (CLOSED.some((closed) => closed.test(name)))
    return 'the variable belongs to the machine or changes which code runs';
  return undefined;
}

/**
 * `reviewed` has its values already looked up. `ambient` is the gateway's own environment: the value of a variable
 * that may not enter by name may not enter under another name either. Throws an Error that names no value.
 */
export function environment(
  reviewed: Readonly<Record<string, string>>,
  ambient: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const held = new Set<string>();
  // Short values (1, true, a locale) are everywhere and are no secrets.
  for (const [name, value] of Object.entries(ambient))
    if (
      value !== undefined &&
      value.length >= 16 &&
      !/^(PATH|HOME|PWD|LANG|TMPDIR)$/.test(name) &&
      refuseVariable(name)
    )
      held.add(value);
  for (const [name, value] of Object.entries(reviewed)) {
    const reason = refuseVariable(name);
    if (reason !== undefined) throw new Error(`env ${JSON.stringify(name.slice(0, 128))}: ${reason}`);
    if (value.includes('\0') || value.length > MAX_VALUE) throw new Error(`env ${name}: NUL, or too long`);
    if (held.has(value)) throw new Error(`env ${name}: holds a credential of the machine`);
  }
  return { ...reviewed, ...BASE };
}
