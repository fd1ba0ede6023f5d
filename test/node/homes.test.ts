/** Three homes under `npm start`, `npm run homes`, and what `npm run deploy` would do. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeDevVars } from '../../scripts/dev-vars.ts';
import { planDatabases } from '../../src/cli/deploy/plan.ts';
import { backendOf, createSession, refresh } from './demo.ts';
import { runStart, type Service, startService } from './service.ts';

const run = promisify(execFile);
const CLI = resolve(import.meta.dirname, '../../scripts/cli.ts');

describe('LOCAL_HOMES=3 npm start', () => {
  let service: Service;
  let env: Record<string, string>;
  let backend: { id: string; secret: string };
  beforeAll(async () => {
    service = await startService([], { LOCAL_HOMES: '3' });
    const vars = completeDevVars(service.devVarsFile);
    env = {
      SERVICE_URL: service.origin,
      CLIENT_ID: vars.DEMO_OPERATOR_ID as string,
      CLIENT_SECRET: vars.DEMO_OPERATOR_SECRET as string,
    };
    backend = backendOf(service.devVarsFile);
  });
  afterAll(() => service.stop());

  const homes = (...args: string[]) =>
    run(process.execPath, [CLI, 'homes', ...args], { env: { ...process.env, ...env } });

  it('has three homes, which the cron runs in', async () => {
    const { stdout } = await homes();
    for (const home of ['DB', 'DB_WEUR', 'DB_APAC'])
      expect(stdout).toMatch(new RegExp(`^${home} .* yes `, 'm'));
    expect((await fetch(`${service.origin}/cdn-cgi/handler/scheduled`)).status).toBe(200);
  });

  it('moves a user between them while their tokens stay good', async () => {
    const user = crypto.randomUUID();
    const { refresh_token: token } = await createSession(
      { user_id: user, client_id: 'demo-app' },
      { origin: service.origin, backend },
    );
    expect((await homes('move', user, 'DB_APAC')).stdout).toContain('lives in DB_APAC now');
    expect((await homes('move', user, 'DB_APAC')).stdout).toContain('already');
    const { status, body } = await refresh(token, { origin: service.origin });
    expect(status).toBe(200);
    const payload = (body as { refresh_token: string }).refresh_token.split('.')[2] as string;
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      home: 'DB_APAC',
    });
  });

  it('the doctor sees that all three answer', async () => {
    const doctor = ['doctor', '--local', '--no-migrations', '--json'];
    const { stdout } = await run(process.execPath, [CLI, ...doctor], {
      env: { ...process.env, ...env },
    }).catch((error: { stdout: string }) => error);
    expect(JSON.parse(stdout).findings).toContainEqual({
      check: 'homes',
      status: 'ok',
      detail: 'DB, DB_APAC, DB_WEUR answer',
    });
  });

  it('npm run keys withdraws a key, in all three', async () => {
    const keys = (...args: string[]) =>
      run(process.execPath, [CLI, 'keys', ...args], { env: { ...process.env, ...env } });
    const jwks = async () => {
      const response = await fetch(`${service.origin}/.well-known/jwks.json`);
      return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    };
    const [first] = (await jwks()) as [string];
    expect((await keys()).stdout).toContain(first);
    expect((await keys('revoke', first)).stdout).toContain(`revoked ${first}: refused here within`);
    const [second, ...others] = (await jwks()) as [string];
    expect(others).toEqual([]);
    expect(second).not.toBe(first);
    expect((await keys('revoke', first)).stdout).toContain('nothing was left to revoke');
    expect((await keys('rotate')).stdout).toContain(`revoked ${second}: refused here within`);
    expect(await jwks()).not.toContain(second);
    await expect(keys('revoke')).rejects.toMatchObject({
      stderr: expect.stringMatching(/^keys: /),
    });
    await expect(keys('revoke', 'nobody')).rejects.toMatchObject({
      stderr: expect.stringContaining('404'),
    });
  });

  it('the operator of the demo does nothing else, and its backend does not operate', async () => {
    const ask = (method: string, path: string, id?: string, secret?: string) =>
      fetch(service.origin + path, {
        method,
        headers: {
          authorization: `Basic ${btoa(`${id}:${secret}`)}`,
          'content-type': 'application/json',
        },
        ...(method === 'POST' && { body: '{"client_id":"demo-app"}' }),
      }).then(({ status }) => status);
    expect(await ask('GET', '/v1/homes', env.CLIENT_ID, env.CLIENT_SECRET)).toBe(200);
    expect(await ask('POST', '/v1/sessions', env.CLIENT_ID, env.CLIENT_SECRET)).toBe(403);
    expect(await ask('GET', '/v1/homes', backend.id, backend.secret)).toBe(403);
  });

  it('says what is wrong with a command, and names no secret', async () => {
    const refused = [
      ['drain', 'DB_WEUR'],
      ['drain', 'DB_MARS'],
      ['move', 'x', 'DB'],
    ];
    for (const args of [...refused, ['fly'], ['not-before']]) {
      const failed = await homes(...args).then(
        () => null,
        (error: { code: number; stderr: string }) => error,
      );
      expect([args, failed?.code]).toEqual([args, refused.includes(args) ? 1 : 2]);
      expect(failed?.stderr).toMatch(/^homes: /m);
      expect(failed?.stderr).not.toContain(env.CLIENT_SECRET);
    }
  });
});

it('npm run homes says which service does not answer', async () => {
  const credentials = { CLIENT_ID: 'operator', CLIENT_SECRET: 'of-a-test' };
  const failed = await run(process.execPath, [CLI, 'homes'], {
    env: { ...process.env, SERVICE_URL: 'http://localhost:9', ...credentials },
  }).catch((error: { code: number; stderr: string }) => error);
  expect(failed).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(
      /^homes: http:\/\/localhost:9\/v1\/homes does not answer \(.+\)$/m,
    ),
  });
});

it('LOCAL_HOMES is a number from 1 to 3', async () => {
  const started = runStart({ LOCAL_HOMES: '4' });
  expect(await started.ended).toBe(1);
  expect(started.output()).toContain('LOCAL_HOMES must be 1, 2 or 3, not "4"');
});

describe('npm run deploy', () => {
  const placeholder = '00000000-0000-0000-0000-000000000000';
  const id = '3f2a51c8-7f0e-4a60-8f54-0a6a8a5f8e11';

  it('makes databases where HOMES says, and leaves those that are there', () => {
    const databases = [
      { binding: 'DB', database_name: 'a', database_id: id },
      { binding: 'DB_WEUR', database_name: 'b', database_id: placeholder },
      { binding: 'DB_EU', database_name: 'c' },
      { binding: 'DB_ANY', database_name: 'd' },
    ];
    const homes = [
      { home: 'DB_WEUR', regions: ['weur', 'eeur'] },
      { home: 'DB_EU', regions: ['weur'], jurisdiction: 'eu' },
    ];
    expect(
      planDatabases(databases, JSON.stringify(homes)).map(
        ({ create }) => create?.join(' ') ?? null,
      ),
    ).toEqual([
      null,
      'd1 create b --location=weur',
      'd1 create c --jurisdiction=eu',
      'd1 create d',
    ]);
    expect(() => planDatabases(databases, '[{"home":"DB_MARS"}]')).toThrow('HOMES names DB_MARS');
  });
});
