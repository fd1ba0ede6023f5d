/** Workers that are bound to the service, in one workerd, and the types that they have of it. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readSnippets } from '../snippets.ts';
import { compile, PLATFORMS, RESOLUTIONS } from './compile.ts';
import { build, type Deployment, deploy, PLATFORM } from './deployment.ts';
import { ROOT } from './shell.ts';

const { newest, ownWorker, resourceServer } = inject('installed');
const ISSUER = 'https://auth.example.com';
/** Beside the tests that run in workerd, because it is typed as a Worker. */
const BOUND_WORKER = join(ROOT, 'test/rpc/bound-worker.ts');

/** A folder of a Worker like the examples' with another source. */
async function buildFrom(name: string, source: string): Promise<string> {
  const folder = join(ownWorker, '..', name);
  mkdirSync(folder, { recursive: true });
  cpSync(resourceServer, folder, { recursive: true });
  writeFileSync(join(folder, 'src/index.ts'), source);
  return build(folder);
}

const boundAs = (clientId?: string) => ({
  name: 'my-sessions',
  entrypoint: 'Sessions',
  ...(clientId !== undefined && { props: { clientId } }),
});

let deployment: Deployment;
beforeAll(async () => {
  const [snippet] = readSnippets('docs/rpc.md').filter(({ language }) => language === 'ts');
  const worker = { ...PLATFORM, name: 'bound' };
  deployment = await deploy(ownWorker, {
    issuer: ISSUER,
    variables: { REFRESH_GRACE_SECONDS: '0' },
    clients: [
      {
        client_id: 'shop',
        bound: true,
        allow: ['refresh', 'create_sessions', 'manage_users', 'introspect'],
      },
      {
        client_id: 'stranger',
        bound: true,
        allow: ['refresh', 'create_sessions', 'manage_users', 'introspect'],
      },
    ],
    others: [
      {
        ...worker,
        script: await buildFrom('bound-worker', readFileSync(BOUND_WORKER, 'utf8')),
        serviceBindings: {
          SESSIONS: boundAs('shop'),
          STRANGER: boundAs('stranger'),
          NOBODY: boundAs(),
        },
      },
      {
        ...worker,
        name: 'documented',
        script: await buildFrom('documented-worker', snippet?.text ?? ''),
        serviceBindings: { SESSIONS: boundAs('shop') },
      },
    ],
  });
});
afterAll(() => deployment?.miniflare.dispose());

async function ask(worker: string, path = '/', headers: Record<string, string> = {}) {
  const { fetch } = await deployment.miniflare.getWorker(worker);
  const response = await fetch(`https://bound.example${path}`, { headers });
  const text = await response.text();
  return { status: response.status, text };
}

const answerOf = async (path: string) => {
  const { status, text } = await ask('bound', path);
  if (status !== 200) throw new Error(text);
  return JSON.parse(text);
};

describe('a bound Worker', () => {
  it('lives a whole session by calls, and can make no request', async () => {
    expect(await answerOf('/live')).toEqual({
      device: 'Firefox on Linux',
      address: '203.0.113.7',
      moved: true,
      active: true,
      amr: ['hwk'],
      listed: [true],
      events: ['authenticated', 'session_created'],
      ended: { revoked: true },
      after: ['invalid_grant', 'signed_out'],
    });
    expect(await answerOf('/fetch')).toContain('does not export a fetch() function');
  });

  it('cannot touch a session of another client, and without props nothing at all', async () => {
    expect(await answerOf('/touch')).toEqual({
      stranger: {
        refresh: 'invalid_grant',
        authenticate: 'not_found',
        introspect: { active: false },
        revoke: { revoked: false },
        list: [],
        revokeOwn: 'invalid_token',
      },
      nobody: {
        refresh: 'invalid_client',
        authenticate: 'invalid_client',
        introspect: 'invalid_client',
        revoke: 'invalid_client',
        list: 'invalid_client',
        revokeOwn: 'invalid_client',
      },
      good: 'ok',
    });
  });

  it('reaches nothing but the calls, and is refused what is no JSON', async () => {
    expect(await answerOf('/others')).toEqual({
      reached: [],
      more: Array(5).fill('invalid_request'),
    });
  });

  it('that presents an old token ends the session, for the thief and for its owner', async () => {
    expect(await answerOf('/steal')).toEqual([
      ['invalid_grant', 'reuse_detected'],
      ['invalid_grant', 'reuse_detected'],
    ]);
  });
});

it('the Worker of the page keeps a person signed in, and tells why it cannot', async () => {
  const { fetch } = await deployment.miniflare.getWorker('my-sessions');
  const started = await fetch(`${ISSUER}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: deployment.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'shop' }),
  });
  const { refresh_token: token } = (await started.json()) as { refresh_token: string };
  const refreshed = await ask('documented', '/', { 'x-refresh-token': token });
  expect(refreshed.status).toBe(200);
  expect(JSON.parse(refreshed.text)).toMatchObject({ token_type: 'Bearer' });
  const refused = await ask('documented', '/', { 'x-refresh-token': 'v2.forged' });
  expect([refused.status, JSON.parse(refused.text)]).toEqual([401, { code: 'invalid_grant' }]);
});

describe('the types', () => {
  it.each(Object.entries(RESOLUTIONS))('%s', async (resolution, modules) => {
    cpSync(BOUND_WORKER, join(newest, 'bound-worker.ts'));
    const options = { ...PLATFORMS.Workers, ...modules };
    expect(await compile(newest, `bound ${resolution}`, options, ['bound-worker.ts'])).toEqual([]);
  });

  it('find a mistake, and know which answers have a value', async () => {
    writeFileSync(
      join(newest, 'mistaken-call.ts'),
      `import type { SessionsEntrypoint } from 'edge-sessions/rpc';
       export async function run(sessions: Service<SessionsEntrypoint>) {
         const answer = await sessions.refresh({ token: 'x' });
         return answer.value;
       }`,
    );
    const options = { ...PLATFORMS.Workers, ...RESOLUTIONS.bundler };
    expect(await compile(newest, 'mistaken call', options, ['mistaken-call.ts'])).toEqual([
      expect.stringContaining("'token' does not exist"),
      expect.stringContaining("Property 'value' does not exist"),
    ]);
  });

  it('keep the value of every call, which a type that RPC cannot carry would take away', async () => {
    writeFileSync(
      join(newest, 'kept-values.ts'),
      `import type { SessionsCalls, SessionsEntrypoint } from 'edge-sessions/rpc';
       type Answered<Call> = Call extends (...given: never[]) => infer Given ? Awaited<Given> : never;
       type Value<Call> = Extract<Answered<Call>, { ok: true }>;
       type Bound = Service<SessionsEntrypoint>;
       type Lost = {
         [Name in keyof SessionsCalls]: [Value<Bound[Name]>] extends [never] ? Name : never;
       }[keyof SessionsCalls];
       export const none: [Lost] extends [never] ? true : Lost = true;
       export async function run(sessions: Bound): Promise<string> {
         const audit = await sessions.listAuditEvents();
         return audit.ok ? \`\${audit.value.events[0]?.details['operator']}\` : audit.code;
       }`,
    );
    const options = { ...PLATFORMS.Workers, ...RESOLUTIONS.bundler };
    expect(await compile(newest, 'kept values', options, ['kept-values.ts'])).toEqual([]);
  });
});
