/** The code in README.md and docs/, against the package as its users have it. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { toApiCode, toBackendCode, toPageCode } from '../../../src/dev/snippets.ts';
import { readSnippets } from '../snippets.ts';
import { compile, PLATFORMS, RESOLUTIONS } from './compile.ts';
import { AUDIENCE, build, type Deployment, deploy, PLATFORM } from './deployment.ts';
import { ROOT } from './shell.ts';

const { newest, ownWorker, resourceServer } = inject('installed');
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((page) => `docs/${page}`)];
const AUTH = 'https://auth.example.com';
/** The page that `npm start` serves shows code too. */
const landing = [toBackendCode, toPageCode, toApiCode].map((toCode) => ({
  place: `src/dev/snippets.ts:${toCode.name}`,
  language: 'ts',
  text: toCode(AUTH),
}));
const snippets = [...PAGES.flatMap((page) => readSnippets(page)), ...landing].filter(
  ({ language }) => ['ts', 'tsx', 'js'].includes(language),
);

describe('type-checks', () => {
  it('some are found, in the pages that have them', () => {
    const pages = new Set(snippets.map(({ place }) => place.split(':')[0]));
    expect([...pages]).toEqual(expect.arrayContaining(['README.md', 'docs/browsers.md']));
  });

  it.each(snippets)('$place', async ({ place, language, text }) => {
    const name = place.replaceAll(/\W+/g, '-');
    const file = `${name}.${language === 'tsx' ? 'tsx' : 'ts'}`;
    writeFileSync(join(newest, file), text);
    // What `wrangler types` would make of the reader's own wrangler.toml.
    const bindings = 'declare namespace Cloudflare { interface Env { SESSIONS: Fetcher } }';
    writeFileSync(join(newest, `${name}.env.d.ts`), bindings);
    const isForPages = text.includes('edge-sessions/browser');
    const platform = isForPages ? PLATFORMS['a browser'] : PLATFORMS.Workers;
    const files = isForPages ? [file] : [file, `${name}.env.d.ts`];
    const options = { ...platform, ...RESOLUTIONS.bundler, jsx: 'react-jsx' };
    expect(await compile(newest, name, options, files)).toEqual([]);
  });
});

describe('the API of the README', () => {
  const ISSUER = 'https://auth.example.com';
  const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
  let deployment: Deployment;
  beforeAll(async () => {
    const [snippet] = readSnippets('README.md', 'Verify access tokens in your API');
    const folder = join(resourceServer, '../readme-api');
    mkdirSync(folder);
    cpSync(resourceServer, folder, { recursive: true });
    writeFileSync(join(folder, 'src/index.ts'), snippet?.text ?? '');
    const api = {
      ...PLATFORM,
      name: 'my-api',
      script: await build(folder),
      serviceBindings: { SESSIONS: 'my-sessions' },
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    };
    deployment = await deploy(ownWorker, { issuer: ISSUER, others: [api] });
  });
  afterAll(() => deployment?.miniflare.dispose());

  it('knows whose cart it is, and shows it to nobody else', async () => {
    const { miniflare, authorization } = deployment;
    const sessions = await miniflare.getWorker('my-sessions');
    const api = await miniflare.getWorker('my-api');
    const created = await sessions.fetch(`${ISSUER}/v1/sessions`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: USER, client_id: 'app' }),
    });
    const { access_token: token } = (await created.json()) as { access_token: string };
    const cart = await api.fetch(`${AUDIENCE}/cart`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await cart.json()).toEqual({ user: USER });
    expect((await api.fetch(`${AUDIENCE}/cart`)).status).toBe(401);
  });

  it('answers a preflight of the app, and lets it read the challenge', async () => {
    const url = new URL('/cart', await deployment.miniflare.unsafeGetDirectURL('my-api'));
    const origin = 'https://app.example.com';
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'GET' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([
      204,
      origin,
    ]);
    const refused = await fetch(url, { headers: { origin } });
    expect([refused.status, refused.headers.get('access-control-expose-headers')]).toEqual([
      401,
      'WWW-Authenticate',
    ]);
  });
});
