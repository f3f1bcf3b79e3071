/**
 * The seccomp filter of the sandbox as a classic BPF program (linux/seccomp.h, linux/filter.h), handed to bubblewrap
 * by file descriptor. Default allow: the namespaces are the wall, the filter takes away the tools to climb it
 * (guarantee IS1). Arguments are judged by their low 32 bits, as the kernel reads them.
 */
import { ABSENT, DENIED, JUDGED, NEWEST } from './syscalls.ts';

export type Arch = 'x64' | 'arm64';

/** AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64. */
const AUDIT: Readonly<Record<Arch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** Marks a call of the x32 ABI, which numbers everything anew. */
const X32 = 0x40000000;

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQ = 0x15;
const JUMP_GE = 0x35;
const JUMP_SET = 0x45;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (n: number) => 0x00050000 | n;
const EPERM = errno(1);
const ENOSYS = errno(38);
const EAFNOSUPPORT = errno(97);

/** Offsets in `struct seccomp_data`. */
const NUMBER = 0;
const ARCH = 4;
const arg = (n: number) => 16 + 8 * n;

/** CLONE_NEWTIME, NS, CGROUP, UTS, IPC, USER, PID, NET. */
const CLONE_NEW = 0x7e020080;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;

type Step = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];
const load = (offset: number): Step => [LOAD, 0, 0, offset];
const end = (k: number): Step => [RETURN, 0, 0, k];
/** Returns `what` when the loaded word equals `k`. */
const on = (k: number, what: number): Step[] => [[JUMP_EQ, 0, 1, k], end(what)];

/** 8 bytes a step, little endian (both architectures). */
export function seccomp(arch: Arch): Uint8Array {
  const n = arch === 'x64' ? 0 : 1;
  const numbers = (table: Readonly<Record<string, readonly [number, number]>>) =>
    Object.values(table)
      .map((row) => row[n]!)
      .filter((number) => number >= 0);
  const judged = (name: keyof typeof JUDGED, body: Step[]): Step[] => [
    [JUMP_EQ, 0, body.length, JUDGED[name][n]!],
    ...body,
  ];
  return assemble([
    load(ARCH),
    [JUMP_EQ, 1, 0, AUDIT[arch]],
    end(KILL),
    load(NUMBER),
    ...(arch === 'x64' ? ([[JUMP_GE, 0, 1, X32], end(KILL)] as Step[]) : []),
    [JUMP_GE, 0, 1, NEWEST + 1],
    end(ENOSYS),
    ...numbers(DENIED).flatMap((number) => on(number, EPERM)),
    ...numbers(ABSENT).flatMap((number) => on(number, ENOSYS)),
    ...judged('clone', [load(arg(0)), [JUMP_SET, 0, 1, CLONE_NEW], end(EPERM), end(ALLOW)]),
    ...judged('ioctl', [load(arg(1)), ...on(TIOCSTI, EPERM), ...on(TIOCLINUX, EPERM), end(ALLOW)]),
    // PER_LINUX and the question what is set; every other personality weakens address randomisation or changes the ABI.
    ...judged('personality', [load(arg(0)), ...on(0, ALLOW), ...on(0xffffffff, ALLOW), end(EPERM)]),
    ...judged('socket', [
      load(arg(0)),
      ...[AF_UNIX, AF_INET, AF_INET6].flatMap((family) => on(family, ALLOW)),
      [JUMP_EQ, 0, 3, AF_NETLINK],
      load(arg(2)),
      ...on(NETLINK_ROUTE, ALLOW),
      end(EAFNOSUPPORT),
    ]),
    end(ALLOW),
  ]);
}

function assemble(steps: readonly Step[]): Uint8Array {
  const bytes = new Uint8Array(steps.length * 8);
  const view = new DataView(bytes.buffer);
  steps.forEach(([code, jumpTrue, jumpFalse, k], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, jumpTrue);
    view.setUint8(i * 8 + 3, jumpFalse);
    view.setUint32(i * 8 + 4, k, true);
  });
  return bytes;
}
