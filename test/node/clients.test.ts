/**
 * `edge-sessions client add --print`: an entry of CLIENTS that the service takes, and its secret,
 * once.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

async function run(...given: string[]) {
  const args = ['scripts/cli.ts', 'client', ...given, '--print'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  const [, secret = null] = /stored nowhere: (\S+)/.exec(stderr) ?? [];
  return { entry: JSON.parse(stdout), secret, stdout };
}

it('a backend has a secret of 256 bits, of which its entry holds the SHA-256 alone', async () => {
  const add = ['add', 'web-backend', '--allow', 'create_sessions,introspect', '--for', 'ios-app'];
  const { entry, secret, stdout } = await run(...add);
  expect(entry).toEqual({
    client_id: 'web-backend',
    secret_sha256: createHash('sha256')
      .update(secret ?? '')
      .digest('base64url'),
    allow: ['create_sessions', 'introspect'],
    for_clients: ['ios-app'],
  });
  expect(Buffer.from(secret ?? '', 'base64url')).toHaveLength(32);
  expect(stdout).not.toContain(secret);
  expect((await run(...add)).secret).not.toBe(secret);
});

it('an app of web pages has its origins, and no secret', async () => {
  const url = 'https://app.example.com';
  const { entry, secret } = await run('add', 'web', '--origin', url, '--return-url', `${url}/in`);
  expect(entry).toEqual({ client_id: 'web', origins: [url], return_urls: [`${url}/in`] });
  expect(secret).toBeNull();
});

it.each([
  ['a capability that there is not', ['add', 'x', '--allow', 'everything'], 'allow.0'],
  ['an origin with a path', ['add', 'x', '--origin', 'https://a.example/b'], 'must be an origin'],
  ['an id with a space', ['add', 'a b'], 'client_id must be'],
  ['no id', ['add'], 'client add [options] <id>'],
  ['another command', ['remove', 'x'], "unknown command 'remove'"],
])('%s is told, and nothing is made', async (_, args, mistake) => {
  await expect(run(...args)).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(mistake),
  });
});
