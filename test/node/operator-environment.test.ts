/** Which service `npm run homes` and `npm run keys` ask, and as whom (src/cli/ask-service.ts). */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const CREDENTIALS = { CLIENT_ID: 'operator', CLIENT_SECRET: 'operators-secret-of-this-test' };

let folder: string;
let staging: string;
/** Who asked, and for what. */
const asked: string[] = [];
const server = createServer((request, response) => {
  const basic = (request.headers.authorization ?? '').replace('Basic ', '');
  asked.push(`${atob(basic).split(':')[0]} ${request.method} ${request.url}`);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ homes: [], keys: [], revoked: [], signing: 'new' }));
});

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  staging = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = mkdtempSync(join(tmpdir(), 'operator-'));
  cpSync(join(ROOT, 'scripts'), join(folder, 'scripts'), { recursive: true });
  cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'wrangler.toml'),
    `name = "sessions"
[vars]
ISSUER = "https://auth.example.com"
[env.staging.vars]
ISSUER = "${staging}"
[env.bare]
`,
  );
  writeFileSync(
    join(folder, '.dev.vars'),
    "DEMO_OPERATOR_ID='demo'\nDEMO_OPERATOR_SECRET='demo'\n",
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  server.close();
});

/** What it answered, and what the service was asked. */
function run(script: 'homes' | 'keys', args: string[], variables: Record<string, string> = {}) {
  asked.length = 0;
  const { SERVICE_URL: _, CLIENT_ID: __, CLIENT_SECRET: ___, ...env } = process.env;
  return new Promise<{ code: number; output: string; asked: string[] }>((ended) => {
    execFile(
      process.execPath,
      [join(folder, 'scripts/cli.ts'), script, ...args],
      { cwd: folder, env: { ...env, ...variables } },
      (error, stdout, stderr) =>
        ended({ code: Number(error?.code ?? 0), output: stdout + stderr, asked: [...asked] }),
    );
  });
}

it.each([
  ['homes', ['--env', 'staging'], {}, 'operator GET /v1/homes'],
  ['homes', ['list', '--env=staging'], {}, 'operator GET /v1/homes'],
  ['homes', ['not-before', '--everyone', '-e', 'staging'], {}, 'operator POST /v1/not-before'],
  ['keys', [], { CLOUDFLARE_ENV: 'staging' }, 'operator GET /v1/signing-keys'],
  // The id of a key may begin with a dash.
  ['keys', ['revoke', '-eKID', '--env', 'staging'], {}, 'operator POST /v1/signing-keys/revoke'],
] as const)(
  'npm run %s -- %j asks the service of the environment',
  async (script, args, variables, call) => {
    const ended = await run(script, [...args], { ...CREDENTIALS, ...variables });
    expect(ended).toMatchObject({ code: 0, asked: [call] });
  },
);

it.each([
  ['homes', { homes: [] }],
  ['keys', { keys: [] }],
] as const)('%s --json is what the service answered', async (script, answer) => {
  const { code, output } = await run(script, ['list', '--env', 'staging', '--json'], CREDENTIALS);
  expect({ code, answer: JSON.parse(output) }).toEqual({ code: 0, answer });
});

it('no environment is the service on this machine, as the demo’s operator', async () => {
  const { asked } = await run('homes', [], { PORT: new URL(staging).port });
  expect(asked).toEqual(['demo GET /v1/homes']);
});

it.each([
  ['an environment that is not there', ['--env', 'stagging'], {}, 'has no [env.stagging]'],
  ['one that has no ISSUER', ['--env', 'bare'], {}, '[env.bare] of wrangler.toml has no ISSUER'],
  [
    'two services at once',
    ['--env', 'staging'],
    { SERVICE_URL: 'https://auth.example.com' },
    'SERVICE_URL is https://auth.example.com, but [env.staging] is',
  ],
  ['an option that npm has kept', [], { npm_config_env: 'staging' }, '-- --env staging'],
] as const)('refuses %s, and asks nobody', async (_, args, variables, sentence) => {
  const ended = await run('homes', ['not-before', '--everyone', ...args], {
    ...CREDENTIALS,
    ...variables,
  });
  expect(ended).toMatchObject({ code: 1, asked: [] });
  expect(ended.output).toContain(sentence);
});

it.each([
  ['--env=', {}, 'https://auth.example.com'],
  ['list', { SERVICE_URL: 'https://auth.example.com' }, 'https://auth.example.com'],
])(
  'the demo’s credentials are told to nobody but this machine: %s',
  async (arg, variables, url) => {
    const { code, output } = await run('homes', [arg], variables);
    expect(code).toBe(1);
    expect(output).toMatch(/: set CLIENT_ID and CLIENT_SECRET$/m);
    expect(output).toContain(url);
  },
);
