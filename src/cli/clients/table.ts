/** The client programs that Doorward knows: where each keeps its servers, as data. */
import { join } from 'node:path';

export interface Places {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly appData: string;
  /** Folder of `.claude.json`. */
  readonly claude: string;
  /** The folder of a project, for clients that keep a file in it. */
  readonly project: string;
}

export interface Client {
  readonly id: string;
  readonly title: string;
  files(at: Places): readonly string[];
  /** The blocks of such a file that map names to servers; what is absent or of another shape is left out later. */
  blocks(root: Readonly<Record<string, unknown>>): readonly unknown[];
}

const mcpServers: Client['blocks'] = (root) => [root['mcpServers']];
/** Claude Code keeps more servers for each project folder. */
const ofProjects: Client['blocks'] = (root) => [
  root['mcpServers'],
  ...Object.values((root['projects'] ?? {}) as Record<string, { mcpServers?: unknown } | null>).map(
    (project) => project?.mcpServers,
  ),
];

const macSupport = (at: Places) => join(at.home, 'Library', 'Application Support');

export const CLIENTS: readonly Client[] = [
  {
    id: 'claude-desktop',
    title: 'Claude Desktop',
    blocks: mcpServers,
    files: (at) => [
      at.platform === 'darwin'
        ? join(macSupport(at), 'Claude', 'claude_desktop_config.json')
        : at.platform === 'win32'
          ? join(at.appData, 'Claude', 'claude_desktop_config.json')
          : join(at.home, '.config', 'Claude', 'claude_desktop_config.json'),
    ],
  },
  {
    id: 'claude-code',
    title: 'Claude Code',
    blocks: ofProjects,
    files: (at) => [join(at.claude, '.claude.json'), join(at.project, '.mcp.json')],
  },
  {
    id: 'cursor',
    title: 'Cursor',
    blocks: mcpServers,
    files: (at) => [join(at.home, '.cursor', 'mcp.json'), join(at.project, '.cursor', 'mcp.json')],
  },
  {
    id: 'vscode',
    title: 'VS Code',
    blocks: (root) => [root['servers']],
    files: (at) => [
      at.platform === 'darwin'
        ? join(macSupport(at), 'Code', 'User', 'mcp.json')
        : at.platform === 'win32'
          ? join(at.appData, 'Code', 'User', 'mcp.json')
          : join(at.home, '.config', 'Code', 'User', 'mcp.json'),
      join(at.project, '.vscode', 'mcp.json'),
    ],
  },
  {
    id: 'windsurf',
    title: 'Windsurf',
    blocks: mcpServers,
    files: (at) => [join(at.home, '.codeium', 'windsurf', 'mcp_config.json')],
  },
];
