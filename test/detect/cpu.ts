/** Processor time in milliseconds: other work on the machine does not count. The best of three, or the first that is short. */
export function cpuMs(work: () => void, short = 15): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && best > short; i++) {
    const began = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(began);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
