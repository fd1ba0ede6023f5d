/** Client credentials as curl sends them: Basic, with nothing encoded (RFC 7617 §2). */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Service, startService } from './service.ts';
import { readSnippets } from './snippets.ts';

/** As `openssl rand -base64 32` makes them, and worse. */
const SECRETS = [
  'q+7/1ZBz0yF5uVwXkq3S0m8J+Lr/2aPq5vYt9cKeWdQ=',
  'aa%41-percent-and-+plus-0123456789',
  '100%-bare-percent/0123456789&=:;,',
];

/** A secret and its hash, made as docs/clients.md has it. */
function makeSecret(): string[] {
  const [command] = readSnippets('docs/clients.md', 'Credentials');
  return execFileSync('bash', ['-c', command?.text ?? ''], { encoding: 'utf8' })
    .trim()
    .split(' ');
}

const [ownSecret = '', ownHash] = makeSecret();

let service: Service;
beforeAll(async () => {
  const clients = SECRETS.map((secret, index) => ({
    client_id: `backend-${index}`,
    secret_sha256: createHash('sha256').update(secret).digest('hex'),
    allow: ['introspect'],
  }));
  const own = { client_id: 'own', secret_sha256: ownHash, allow: ['introspect'] };
  const all = [...clients, own, { client_id: 'app' }];
  service = await startService(['--var', `CLIENTS:${JSON.stringify(all)}`]);
});
afterAll(() => service?.stop());

/** Status and body. */
function curl(...args: string[]): string {
  const options = ['-sS', '-w', ' %{http_code} %header{www-authenticate}', ...args];
  return execFileSync('curl', options, { encoding: 'utf8' });
}

it.each(SECRETS.map((secret, index) => [secret, `backend-${index}`]))(
  'curl -u with the secret %s is let in, and with another is not',
  (secret, id) => {
    const url = `${service.origin}/oauth/introspect`;
    expect(curl('-u', `${id}:${secret}`, '-d', 'token=x', url)).toBe('{"active":false} 200 ');
    expect(curl('-u', `${id}:${secret}x`, '-d', 'token=x', url)).toMatch(/ 401 Basic realm=/);
  },
);

it('a secret made by the documented command needs no encoding', () => {
  expect(ownSecret).toMatch(/^[\w-]{43}$/);
  const url = `${service.origin}/oauth/introspect`;
  expect(curl('-u', `own:${ownSecret}`, '-d', 'token=x', url)).toBe('{"active":false} 200 ');
});

it('curl -u with an empty secret is a public client', () => {
  const url = `${service.origin}/oauth/revoke`;
  expect(curl('-u', 'app:', '-d', 'token=x', url)).toBe(' 200 ');
});

it('curl --oauth2-bearer at the token endpoint hears what is wrong', () => {
  const url = `${service.origin}/oauth/token`;
  const answer = curl('--oauth2-bearer', 'a.b.c', '-d', 'grant_type=refresh_token', url);
  expect(answer).toContain('must be Basic, with the client_id and secret of a client');
  expect(answer).toContain(' 401 Basic realm=');
});

it('whoever sent no Authorization is not challenged: a browser would ask for a password', () => {
  const url = `${service.origin}/oauth/token`;
  expect(curl('-d', 'grant_type=refresh_token', '-d', 'client_id=nobody', url)).toMatch(/ 401 $/);
});
