/** A clone of the repository, on machines of all kinds, before anyone has looked into it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { completeDevVars } from '../../scripts/dev-vars.ts';
import { findFreePort } from '../../scripts/free-port.ts';
import { backendOf, createSession, refresh } from './demo.ts';
import { makeClone } from './deployment-folder.ts';
import { type Run, runIn, runStart } from './service.ts';

const SLOW = 180_000;

let clone: string;
let run: Run | null = null;
beforeEach(() => {
  clone = makeClone();
});
afterEach(async () => {
  run?.process.kill();
  await run?.ended;
  run = null;
  rmSync(clone, { recursive: true, force: true });
});

const STAGING = `
[env.staging.vars]
ISSUER = "https://app.staging.example.com/auth"
AUDIENCE = "https://app.staging.example.com/api"
CLIENTS = '[{"client_id":"web"}]'

[[env.staging.d1_databases]]
binding = "DB"
database_id = "5d9a1c52-6c1e-4e4b-9f0e-2f6f4a1f0c11"

[[env.staging.d1_databases]]
binding = "DB_WEUR"
database_id = "7a4f8e0b-2f64-4f0d-8a25-3c3f3a5b9e01"
`;

it.skipIf(process.platform !== 'linux')(
  'npm start runs an environment with all that it has, where HOME is read-only and .dev.vars is from Windows',
  async () => {
    const toml = join(clone, 'wrangler.toml');
    writeFileSync(toml, readFileSync(toml, 'utf8') + STAGING);
    writeFileSync(join(clone, '.dev.vars'), "BRAND_NAME='Mine'\r\n");
    // Nothing can be written below a file, whoever one is.
    writeFileSync(join(clone, 'LICENSE'), '');
    const port = await findFreePort();
    const env = {
      PORT: String(port),
      HOME: join(clone, 'LICENSE'),
      XDG_CONFIG_HOME: '',
      CLOUDFLARE_ENV: 'staging',
    };
    run = runStart(env, [], clone);
    await Promise.race([run.printed('Run the cron:', SLOW), run.ended]);
    expect(run.output()).toContain('CLIENTS: web of wrangler.toml, beside demo-backend');

    const origin = `http://localhost:${port}/auth`;
    const vars = completeDevVars(join(clone, '.dev.vars'));
    const backend = backendOf(join(clone, '.dev.vars'));
    const { access_token: token } = await createSession(undefined, { origin, backend });
    const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
    expect(claims).toMatchObject({ iss: origin, aud: `http://localhost:${port}/api` });
    // A client that is not known would be invalid_client.
    expect((await refresh('v2.none', { origin, clientId: 'web' })).body).toMatchObject({
      error: 'invalid_grant',
    });
    const homes = await fetch(`${origin}/v1/homes`, {
      headers: {
        authorization: `Basic ${btoa(`${vars.DEMO_OPERATOR_ID}:${vars.DEMO_OPERATOR_SECRET}`)}`,
      },
    });
    expect(await homes.json()).toMatchObject({
      homes: [
        { home: 'DB', answers: true },
        { home: 'DB_WEUR', answers: true },
      ],
    });
  },
);

it('npx wrangler dev says in one line what to run, before there are secrets and before there are tables', {
  timeout: 3 * SLOW,
}, async () => {
  const dev = async (wanted: string) => {
    const port = await findFreePort();
    const wrangler = join(clone, 'node_modules/wrangler/bin/wrangler.js');
    run = runIn(
      clone,
      [wrangler, 'dev', `--port=${port}`, '--show-interactive-dev-session=false'],
      {
        WRANGLER_SEND_METRICS: 'false',
        CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      },
    );
    await run.printed('Ready on', SLOW);
    const url = `http://localhost:${port}/.well-known/jwks.json`;
    expect((await fetch(url)).status).toBe(503);
    await expect.poll(() => run?.output()).toContain(wanted);
    run.process.kill();
    await run.ended;
  };
  await dev('(on your own machine, `npm start` makes it)');
  completeDevVars(join(clone, '.dev.vars'));
  await dev('the migrations are missing, which npm start and npm run deploy apply');
});
