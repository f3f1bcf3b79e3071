import { describe, expect, it } from 'vitest';
import { parseMount, refuseMount } from '../../src/upstreams/mounts.ts';

const HOME = '/home/ann';
const verdict = (source: string, target = '/data') => refuseMount({ source, target, write: false }, HOME) ?? 'ok';

const words = (text: string) => text.trim().split(/\s+/);

describe('a mount', () => {
  it.each(['/home/ann/notes', '/srv/data', '/home/ann/work/a/b', '/tmp/copy', '/var/lib/notes', '/opt/data/x'])(
    'may be %s',
    (source) => expect(verdict(source)).toBe('ok'),
  );
  it.each([
    ...words(`
      / /proc /proc/1 /sys/fs /dev /etc /etc/ssl /root /root/notes /boot /run /run/docker.sock
      /var/run/docker.sock /var/lib/docker /var/lib/docker/volumes /srv/docker.sock /home /home/ann
      /usr /var /tmp /opt /home/ann/.ssh /home/ann/.ssh/id_ed25519 /home/bo/.aws
      /home/ann/.config/gcloud /srv/x/.kube/config /home/ann/.docker /home/ann/.gnupg/x
      /home/ann/p/.doorward /home/ann/.local/share/keyrings/a
    `),
  ])('may not be %s', (source) => expect(verdict(source)).not.toBe('ok'));
  it.each(['/data', '/data/notes', '/work'])('may lie at %s', (target) => expect(verdict('/srv/d', target)).toBe('ok'));
  it.each([
    ...words(`
      / /proc /proc/x /dev/shm /tmp /tmp/x /run/x /etc /usr/lib /lib /lib64/x /bin /runtime
      /runtime/node /package /package/x data ./data /a/../proc /data/ /a//b
    `),
    '',
  ])('may not lie at %j', (target) => expect(verdict('/srv/d', target)).not.toBe('ok'));
  it.each([
    ['./notes', '/data', { source: '/cfg/notes', target: '/data', write: false }],
    ['./notes', '/data:ro', { source: '/cfg/notes', target: '/data', write: false }],
    ['../x', '/data:rw', { source: '/x', target: '/data', write: true }],
    ['/abs', '/data', { source: '/abs', target: '/data', write: false }],
  ])('%s: %s', (source, target, wanted) => expect(parseMount(source, target, '/cfg')).toEqual(wanted));
});
