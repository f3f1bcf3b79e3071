import { existsSync } from 'node:fs';
import type { Machine } from '../config/posture/finding.ts';

/** Facts of this machine. The marks of a container are those that Docker, Podman and Kubernetes leave. */
export function thisHost(): Machine {
  return {
    root: process.getuid?.() === 0,
    container:
      existsSync('/.dockerenv') ||
      existsSync('/run/.containerenv') ||
      process.env['KUBERNETES_SERVICE_HOST'] !== undefined,
  };
}
