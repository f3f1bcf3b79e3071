import { describe, expect, it } from 'vitest';
import { type Arch, seccomp } from '../../../src/upstreams/sandbox/seccomp.ts';
import { ABSENT, DENIED, JUDGED, NEWEST } from '../../../src/upstreams/sandbox/syscalls.ts';

/** Runs the program as the kernel would; `args` are the low halves of the arguments. */
function run(program: Uint8Array, number: number, args: readonly number[], audit: number): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, audit, true);
  // The upper halves are full of ones: a filter that looked at them would be fooled.
  for (let i = 0; i < 6; i++) {
    data.setUint32(16 + 8 * i, args[i] ?? 0, true);
    data.setUint32(20 + 8 * i, 0xffffffff, true);
  }
  const view = new DataView(program.buffer);
  for (let at = 0, word = 0; ; at++) {
    const [code, jt, jf, k] = [
      view.getUint16(at * 8, true),
      view.getUint8(at * 8 + 2),
      view.getUint8(at * 8 + 3),
      view.getUint32(at * 8 + 4, true),
    ];
    if (code === 0x06) return k;
    if (code === 0x20) word = data.getUint32(k, true);
    else if (code === 0x15) at += word === k ? jt : jf;
    else if (code === 0x35) at += word >= k ? jt : jf;
    else if (code === 0x45) at += (word & k) !== 0 ? jt : jf;
    else throw new Error(`instruction ${code.toString(16)}`);
  }
}

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (n: number) => 0x00050000 + n;
const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** read, openat, execve, exit_group: what every program needs. */
const ORDINARY = { x64: [0, 257, 59, 231], arm64: [63, 56, 221, 94] };

describe.each<[Arch, 0 | 1]>([
  ['x64', 0],
  ['arm64', 1],
])('the filter for %s', (arch, n) => {
  const program = seccomp(arch);
  const answer = (number: number, ...args: number[]) => run(program, number, args, AUDIT[arch]);
  const judged = (name: keyof typeof JUDGED, ...args: number[]) => answer(JUDGED[name][n], ...args);

  it('is a program that the kernel takes', () => {
    expect(program.length % 8).toBe(0);
    expect(program.length / 8).toBeLessThan(4096);
  });
  it('lets ordinary calls pass', () => {
    for (const number of ORDINARY[arch]) expect(answer(number)).toBe(ALLOW);
  });
  it('refuses what is on the list', () => {
    for (const row of Object.values(DENIED)) if (row[n] >= 0) expect(answer(row[n])).toBe(errno(1));
    for (const row of Object.values(ABSENT)) expect(answer(row[n])).toBe(errno(38));
  });
  it('knows nothing newer than its table', () => {
    expect(answer(NEWEST + 1)).toBe(errno(38));
    expect(answer(0x3fffffff)).toBe(errno(38));
  });
  it('kills the other architecture and the x32 numbers', () => {
    expect(run(program, 0, [], 0x40000003)).toBe(KILL);
    if (arch === 'x64') expect(answer(0x40000000)).toBe(KILL);
  });
  it.each([
    ['clone', [0x11], ALLOW],
    ['clone', [0x003d0f00], ALLOW],
    ['clone', [0x10000000], errno(1)],
    ['clone', [0x20000], errno(1)],
    ['clone', [0x40000000 | 0x11], errno(1)],
    ['ioctl', [1, 0x5401], ALLOW],
    ['ioctl', [0, 0x5412], errno(1)],
    ['ioctl', [0, 0x541c], errno(1)],
    ['personality', [0], ALLOW],
    ['personality', [0xffffffff], ALLOW],
    ['personality', [0x0040000], errno(1)],
    ['socket', [1, 1], ALLOW],
    ['socket', [2, 1], ALLOW],
    ['socket', [10, 2], ALLOW],
    ['socket', [16, 3, 0], ALLOW],
    ['socket', [16, 3, 12], errno(97)],
    ['socket', [17, 3], errno(97)],
    ['socket', [38, 5], errno(97)],
    ['socket', [40, 1], errno(97)],
  ] as const)('%s(%j)', (name, args, wanted) => expect(judged(name, ...args)).toBe(wanted));
});
