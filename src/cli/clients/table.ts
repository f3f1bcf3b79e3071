/** The client programs that Doorward knows: where each keeps its servers, as data. */
import { join } from 'node:path';

export interface Places {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly appData: string;
  /** The folder of a project, for clients that keep a file in it. */
  readonly project: string;
}

export interface Client {
  readonly id: string;
  readonly title: string;
  files(at: Places): readonly string[];
  /** Member of the JSON file that holds the servers. */
  readonly member: 'mcpServers' | 'servers';
}

const macSupport = (at: Places) => join(at.home, 'Library', 'Application Support');

export const CLIENTS: readonly Client[] = [
  {
    id: 'claude-desktop',
    title: 'Claude Desktop',
    member: 'mcpServers',
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
    member: 'mcpServers',
    files: (at) => [join(at.home, '.claude.json'), join(at.project, '.mcp.json')],
  },
  {
    id: 'cursor',
    title: 'Cursor',
    member: 'mcpServers',
    files: (at) => [join(at.home, '.cursor', 'mcp.json'), join(at.project, '.cursor', 'mcp.json')],
  },
  {
    id: 'vscode',
    title: 'VS Code',
    member: 'servers',
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
    member: 'mcpServers',
    files: (at) => [join(at.home, '.codeium', 'windsurf', 'mcp_config.json')],
  },
];
