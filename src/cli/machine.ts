import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Machine } from '../config/posture/finding.ts';
import type { Places } from './clients/table.ts';

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

/** Where this user's clients keep their files; the project is the folder one stands in. */
export function thesePlaces(): Places {
  const home = homedir();
  return {
    home,
    platform: process.platform,
    appData: process.env['APPDATA'] ?? home,
    claude: process.env['CLAUDE_CONFIG_DIR'] ?? home,
    project: process.cwd(),
  };
}
