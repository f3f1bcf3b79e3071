import { execFile } from 'node:child_process';

/** Runs npm for `review`: argv only, its talk dropped, an error told by its last lines. */
export function npm(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('npm', [...args], { timeout: 300_000, maxBuffer: 1 << 22 }, (error, _stdout, stderr) => {
      if (!error) return resolve();
      const said = stderr.trim().split('\n').slice(-3).join('; ');
      reject(new Error(`npm ${args[0]} failed: ${said || error.message}`));
    });
  });
}
