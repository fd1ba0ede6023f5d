/**
 * Operators who come through Cloudflare Access: its assertions, with keys of a team that is ours.
 */

import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConsoleEnv } from '../../../src/console/console-env.ts';
import { parseSettings } from '../../../src/console/console-settings.ts';
import {
  actsOn,
  ISSUER,
  newUser,
  openBrowser,
  startTwoWorkers,
  type TwoWorkers,
  titleIn,
} from './two-workers.ts';

const TEAM = 'https://acme.cloudflareaccess.com';
const CERTS = `${TEAM}/cdn-cgi/access/certs`;
const AUD = '32eafc7626e737959ee0cb4ff3cbf60aebdf1d3b0b1d7cf3f5e1c3ea9a3c0d6b';
const ADA = 'ada@acme.example';
const HOUR = 3600;
const now = () => Math.floor(Date.now() / 1000);

const team = await generateKeyPair('RS256');
const otherTeam = await generateKeyPair('RS256');
/** Of the same team, by an algorithm that Access does not sign with. */
const other = await generateKeyPair('ES256');
const jwk = { ...(await exportJWK(team.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
const otherJwk = { ...(await exportJWK(other.publicKey)), kid: 'k2', alg: 'ES256', use: 'sig' };

interface Claims {
  iss?: string;
  aud?: string;
  iat?: number;
  exp?: number | undefined;
  sub?: string;
  email?: string | undefined;
  common_name?: string;
}

/** As Access makes them of a person who signed in just now, but for what is said. */
function assert(claims: Claims = {}, key = team.privateKey, header = { alg: 'RS256', kid: 'k1' }) {
  const iat = claims.iat ?? now();
  const usual = { iss: TEAM, sub: '7335d417-61da-459d-899c-0a01c76a2f94', email: ADA, type: 'app' };
  const { aud = AUD, ...others } = { ...usual, iat, exp: iat + 24 * HOUR, ...claims };
  return new SignJWT({ ...others, aud: [aud] }).setProtectedHeader(header).sign(key);
}

const variables = { ISSUER, ACCESS_TEAM: TEAM, ACCESS_AUD: AUD };

describe('by the assertion of each request', () => {
  let workers: TwoWorkers;
  beforeAll(async () => {
    const answers = { [CERTS]: () => ({ keys: [jwk, otherJwk] }) };
    workers = await startTwoWorkers({ variables, answers });
  });
  afterAll(() => workers?.stop());

  const open = async (assertion: string | Promise<string>) =>
    openBrowser(workers, { 'cf-access-jwt-assertion': await assertion });

  it('an operator sees the console, by their e-mail address', async () => {
    const { status, text } = await (await open(assert())).get('/console');
    expect([status, titleIn(text)]).toEqual([200, 'Overview']);
    expect(text).toContain(ADA);
  });

  it('what an operator does is in the audit log with their e-mail address', async () => {
    const userId = newUser();
    await workers.asBackend('POST', '/v1/sessions', { user_id: userId });
    const operator = await open(assert());
    expect((await operator.submit(`/console/people/${userId}/end`)).status).toBe(303);
    expect(await actsOn(workers, userId)).toMatchObject([
      { client_id: 'console', details: { operator: ADA } },
    ]);
  });

  it.each<[string, () => Promise<string>]>([
    ['for another application', () => assert({ aud: 'another' })],
    ['that has expired', () => assert({ iat: now() - 2 * HOUR, exp: now() - HOUR })],
    ['of another team', () => assert({ iss: 'https://evil.cloudflareaccess.com' })],
    ['by another team’s key', () => assert({}, otherTeam.privateKey)],
    ['by another algorithm', () => assert({}, other.privateKey, { alg: 'ES256', kid: 'k2' })],
    ['that never expires', () => assert({ exp: undefined })],
    [
      'signed by nobody',
      async () => {
        const [, payload] = (await assert()).split('.');
        return `${btoa('{"alg":"none"}').replace(/=+$/, '')}.${payload}.`;
      },
    ],
    [
      'signed with the public key as a secret',
      async () =>
        new SignJWT({ email: ADA, iss: TEAM, aud: AUD, iat: now(), exp: now() + HOUR, sub: 'x' })
          .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
          .sign(new TextEncoder().encode(JSON.stringify(jwk))),
    ],
    ['that is no token', async () => 'x'],
  ])('an assertion %s opens nothing', async (_, make) => {
    const { status, text } = await (await open(make())).get('/console');
    expect([status, titleIn(text)]).toEqual([401, 'You are not signed in']);
  });

  it('a service token, which is nobody, is not let in', async () => {
    const service = assert({ sub: '', email: undefined, common_name: 'ci.access' });
    expect((await (await open(service)).get('/console')).status).toBe(403);
  });

  it('the cookie of Access without its header opens nothing: any page of the host could set it', async () => {
    const browser = openBrowser(workers, { cookie: `CF_Authorization=${await assert()}` });
    expect((await browser.get('/console')).status).toBe(401);
  });

  it('whoever signed in at Access 13 hours ago signs in again', async () => {
    const { status, text } = await (await open(assert({ iat: now() - 13 * HOUR }))).get('/console');
    expect([status, titleIn(text)]).toEqual([401, 'Prove who you are once more']);
    expect(text).toContain('href="/cdn-cgi/access/logout"');
  });

  it('an hour ago is enough to look, and not to act', async () => {
    const operator = await open(assert({ iat: now() - HOUR }));
    expect((await operator.get('/console')).status).toBe(200);
    const { text } = await operator.get(`/console/people/${newUser()}/end`);
    expect(text).toContain('prove once more who you are');
  });

  it('keys that cannot be read sign nobody out: the answer is to try again', async () => {
    const away = await startTwoWorkers({ variables });
    try {
      const headers = { 'cf-access-jwt-assertion': await assert() };
      const answer = await away.ask('/console', { headers });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    } finally {
      await away.stop();
    }
  });
});

describe('where the platform says who it is', () => {
  let workers: TwoWorkers;
  beforeAll(async () => {
    workers = await startTwoWorkers({ variables, access: { aud: AUD } });
  });
  afterAll(() => workers?.stop());

  const identity = { email: ADA, user_uuid: '7335d417-61da-459d-899c-0a01c76a2f94', iat: now() };
  /** By this header workerd is told on this machine what Cloudflare tells it by itself. */
  const get = (aud: string, jwt_claims?: object) =>
    workers.ask('/console', {
      headers: { 'mf-access-blob': JSON.stringify({ app_aud: aud, jwt_claims }) },
    });

  it('its word is enough', async () => {
    const { status, text } = await get(AUD, identity);
    expect(status).toBe(200);
    expect(text).toContain(ADA);
  });

  it('a person whom another application let through is not let in', async () => {
    expect((await get('another', identity)).status).toBe(401);
  });

  it('one who signed in too long ago is not either', async () => {
    expect((await get(AUD, { ...identity, iat: now() - 13 * HOUR })).status).toBe(401);
  });

  it('and whoever has no identity is nobody', async () => {
    expect((await get(AUD)).status).toBe(403);
  });
});

it('the overview is there while the database does not answer for its keys', async () => {
  const answers = { [CERTS]: () => ({ keys: [jwk] }) };
  const workers = await startTwoWorkers({ variables, answers });
  try {
    // What D1 says of an outage is found in the text of its errors, and SQLite repeats such a name.
    const database = await workers.miniflare.getD1Database('DB', 'edge-sessions');
    await database.exec('ALTER TABLE signing_keys RENAME TO away');
    await database.exec('CREATE VIEW signing_keys AS SELECT *, overloaded() FROM away');
    const operator = openBrowser(workers, { 'cf-access-jwt-assertion': await assert() });
    const overview = await operator.get('/console');
    expect([overview.status, titleIn(overview.text)]).toEqual([200, 'Overview']);
    expect(overview.text).toContain('No answer');
    const keys = await operator.get('/console/keys');
    expect([keys.status, titleIn(keys.text)]).toEqual([503, 'A database did not answer']);
    expect(keys.text).toContain('href="/console/homes"');
  } finally {
    await workers.stop();
  }
});

it('without a login that is configured every page says what to set, and nothing else', async () => {
  const workers = await startTwoWorkers({ variables: { ISSUER } });
  try {
    for (const path of ['/console', '/console/audit', '/console/find?id=x']) {
      const { status, text } = await workers.ask(path);
      expect([status, titleIn(text)]).toEqual([503, 'The console is not set up']);
      expect(text).toContain('OPERATORS');
    }
  } finally {
    await workers.stop();
  }
});

it.each<[string, object, string]>([
  ['nothing is set', {}, 'ACCESS_TEAM'],
  ['nobody is an operator', { AUDIENCE: 'x', OPERATORS: ' ' }, 'OPERATORS'],
  ['both logins are set', { ...variables, OPERATORS: newUser() }, 'not both'],
  ['the team is no origin', { ...variables, ACCESS_TEAM: 'acme' }, 'cloudflareaccess.com'],
  ['the application is missing', { ...variables, ACCESS_AUD: '' }, 'ACCESS_AUD'],
  ['an age is no number', { ...variables, ACT_MAX_AGE_SECONDS: 'soon' }, 'ACT_MAX_AGE_SECONDS'],
  ['to act is easier than to look', { ...variables, LOOK_MAX_AGE_SECONDS: '60' }, 'longer'],
])('no login is configured where %s', (_, set, said) => {
  const parsed = parseSettings({ ISSUER, ...set } as ConsoleEnv);
  expect(parsed).toEqual({ ok: false, mistakes: [expect.stringContaining(said)] });
});
