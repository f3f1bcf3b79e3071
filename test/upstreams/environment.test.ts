import { describe, expect, it } from 'vitest';
import { environment, refuseVariable } from '../../src/upstreams/environment.ts';

const words = (text: string) => text.trim().split(/\s+/);

describe('the environment of a server', () => {
  it('is what was reviewed, and four fixed names', () => {
    expect(environment({ NOTES_DIR: '/data' }, { SHELL: '/bin/sh' })).toEqual({
      NOTES_DIR: '/data',
      PATH: '/runtime',
      HOME: '/tmp',
      TMPDIR: '/tmp',
      LANG: 'C.UTF-8',
    });
  });
  it.each([
    ...words(`
      VAULT_TOKEN VAULT_SECRET_ID GOOGLE_APPLICATION_CREDENTIALS AWS_SECRET_ACCESS_KEY AWS_PROFILE
      AZURE_CLIENT_SECRET KUBECONFIG KUBERNETES_SERVICE_HOST DOCKER_HOST SSH_AUTH_SOCK
      aws_session_token LD_PRELOAD LD_LIBRARY_PATH NODE_OPTIONS NODE_PATH npm_config_registry PATH
      HOME DOORWARD_KEY A=B 1A É
    `),
    '',
    'A B',
    'A\0',
    'A'.repeat(129),
  ])('refuses %j', (name) => expect(refuseVariable(name)).toBeDefined());
  it.each(['NOTES_TOKEN', 'API_KEY', 'DEBUG', 'TZ', 'lower_case', '_X'])('takes %s', (name) => {
    expect(refuseVariable(name)).toBeUndefined();
  });
  it('refuses a credential of the machine under another name, without repeating it', () => {
    const ambient = { AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI-not-a-real-key' };
    const smuggle = () => environment({ NOTES_TOKEN: ambient.AWS_SECRET_ACCESS_KEY }, ambient);
    expect(smuggle).toThrow(/NOTES_TOKEN/);
    expect(smuggle).not.toThrow(/wJal/);
  });
  it('refuses a NUL', () => expect(() => environment({ A: 'x\0y' }, {})).toThrow());
});
