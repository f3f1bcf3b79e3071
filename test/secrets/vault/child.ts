/** `child.ts <folder> rotate|write`: changes a vault without end, until it is killed. Says so after each change. */
import { place } from './world.ts';

const [folder = '', what = ''] = process.argv.slice(2);
const vault = place(folder).open();
for (let i = 0; ; i++) {
  if (what === 'rotate') await vault.rotate();
  else await vault.change((draft) => draft.put('token', 't', `n${i % 7}`, Buffer.from(`value ${i}`)));
  process.stdout.write('.');
}
