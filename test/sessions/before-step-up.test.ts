/**
 * Whoever holds a token from before a step-up has proved nothing by it: they keep what they had,
 * and get none of what the person proved (NIST SP 800-63B §7.1, RFC 9470).
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  APP,
  BACKEND,
  basic,
  type Caller,
  type RefreshAnswer,
  readRow,
  START,
  startService,
  stepUp,
  type TestService,
} from '../fixtures';
import { create, startThreeHomes } from '../homes/three-homes';
import { SAME_ORIGIN, send, signIn, startWithBrowsers } from '../http/browser/browser';
import { USER } from '../people';
import { AT, UA } from '../risk/callers';

const GRACE = 30;
const HOUR = 3_600;
const NOW = START / 1000;

const BEFORE = { auth_time: NOW - HOUR, amr: ['pwd'], acr: 'urn:acr:1' };
const PROOF = { auth_time: NOW, amr: ['pwd', 'hwk'], acr: 'urn:acr:2' };
const SECOND_PROOF = { auth_time: NOW + 1, amr: ['face', 'hwk'], acr: 'urn:acr:3' };

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const LAPTOP: Caller = { userAgent: UA.chromeOnMac, ...AT.home };
const THIEF: Caller = { userAgent: UA.firefox(), ...AT.lima };

/** What an access token says of how its person proved who they are. */
function claimsOf(accessToken: string) {
  const { auth_time, amr, acr } = decodeJwt(accessToken);
  return { auth_time, amr, acr };
}

function expectGiven({ status, body }: RefreshAnswer, token: string, claims: object) {
  expect({ status, token: body.refresh_token }).toEqual({ status: 200, token });
  expect(claimsOf(body.access_token)).toEqual(claims);
}

/** A session whose person has proved little, and much at a step-up. */
async function startSteppedUp(service: TestService) {
  const { session, refresh_token: before } = await service.create({ user_id: USER, ...BEFORE });
  service.advance(GRACE);
  const { body } = await stepUp(service, session.id, { refresh_token: before, ...PROOF });
  expect(claimsOf(body.access_token)).toEqual(PROOF);
  return { session, before, after: body.refresh_token };
}

describe('within the grace period, a token that a step-up superseded', () => {
  it('is given again with what it stood for, however often, and ends nothing', async () => {
    const service = await startService();
    const { session, before, after } = await startSteppedUp(service);
    for (const seconds of [0, 1, GRACE - 2]) {
      service.advance(seconds);
      expectGiven(await service.refresh(before), before, BEFORE);
    }
    expectGiven(await service.refresh(after), after, PROOF);
    service.advance(1);
    const { body } = await service.refresh(after);
    expect(claimsOf(body.access_token)).toEqual(PROOF);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null, acr: PROOF.acr });
  });

  it('also when that was rotated within the grace period: every token that there was, the predecessor too', async () => {
    const service = await startService();
    const { session, refresh_token: first } = await service.create({ user_id: USER, ...BEFORE });
    service.advance(GRACE);
    const { body: rotated } = await service.refresh(first);
    service.advance(GRACE - 2);
    const second = rotated.refresh_token;
    const { body } = await stepUp(service, session.id, { refresh_token: second, ...PROOF });
    expect([first, second]).not.toContain(body.refresh_token);
    service.advance(1);
    expectGiven(await service.refresh(first), second, BEFORE);
    expectGiven(await service.refresh(second), second, BEFORE);
    expectGiven(await service.refresh(body.refresh_token), body.refresh_token, PROOF);
    // The predecessor's own grace period was not extended, and after it that is theft.
    service.advance(1);
    expectGiven(await service.refresh(second), second, BEFORE);
    expect((await service.refresh(first)).body.reason).toBe('reuse_detected');
  });

  it('also when a refresh came first and the backend shows the token before it', async () => {
    const service = await startService();
    const { session, refresh_token: first } = await service.create({ user_id: USER, ...BEFORE });
    service.advance(GRACE);
    const { body: rotated } = await service.refresh(first);
    const answers = [];
    for (let time = 0; time < 3; time += 1) {
      service.advance(1);
      answers.push(await stepUp(service, session.id, { refresh_token: first, ...PROOF }));
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const tokens = new Set(answers.map(({ body }) => body.refresh_token));
    expect(tokens.size).toBe(1);
    const [after] = tokens as unknown as [string];
    expectGiven(await service.refresh(first), rotated.refresh_token, BEFORE);
    expectGiven(await service.refresh(rotated.refresh_token), rotated.refresh_token, BEFORE);
    expectGiven(await service.refresh(after), after, PROOF);
    expect((await readRow(session.id))?.revoked_at).toBe(null);
  });

  it('of two step-ups, each token keeps what it stood for', async () => {
    const service = await startService();
    const { session, before, after } = await startSteppedUp(service);
    service.advance(1);
    const { body } = await stepUp(service, session.id, { refresh_token: after, ...SECOND_PROOF });
    const last = body.refresh_token;
    service.advance(1);
    expectGiven(await service.refresh(before), before, BEFORE);
    expectGiven(await service.refresh(after), after, PROOF);
    expectGiven(await service.refresh(last), last, SECOND_PROOF);
    // The first one's backend asks again.
    const repeat = { refresh_token: before, ...SECOND_PROOF };
    expect((await stepUp(service, session.id, repeat)).body.refresh_token).toBe(last);
    service.advance(GRACE - 2);
    expectGiven(await service.refresh(after), after, PROOF);
    expect((await service.refresh(before)).body.reason).toBe('reuse_detected');
  });

  it('opens nothing on another route that asks for the new authentication', async () => {
    const service = await startWithBrowsers();
    const { jar, session } = await signIn(service, { user_id: USER, ...BEFORE });
    const [, before] = (jar.get('__Host-session') ?? '').split('~') as [string, string];
    service.advance(GRACE);
    await stepUp(service, session.id, { refresh_token: before, ...PROOF });
    const own = await send(service, jar, 'GET', '/browser/session');
    expect(await own.json()).toMatchObject({
      session: { acr: BEFORE.acr, amr: BEFORE.amr, auth_time: '2025-12-31T23:00:00Z' },
    });
    const exchanged = await service.request('/browser/token', {
      method: 'POST',
      headers: {
        authorization: basic(BACKEND),
        cookie: `__Host-session=${jar.get('__Host-session')}`,
      },
    });
    const { access_token } = (await exchanged.json()) as { access_token: string };
    expect(claimsOf(access_token)).toEqual(BEFORE);
    expect((await send(service, jar, 'POST', '/browser/refresh', SAME_ORIGIN)).status).toBe(200);
    expect(claimsOf(jar.get('__Host-access') ?? '')).toEqual(BEFORE);
  });

  it('with strict rotation there is no such time: it is theft at once', async () => {
    const service = await startService({ REFRESH_GRACE_SECONDS: '0' });
    const { before } = await startSteppedUp(service);
    expect((await service.refresh(before)).body.reason).toBe('reuse_detected');
  });

  it('while SESSION_SECRET is replaced, too', async () => {
    const former = 'the-session-secret-of-the-tests-0123456789';
    const service = await startService();
    const { session, refresh_token: first } = await service.create({ user_id: USER, ...BEFORE });
    service.advance(GRACE);
    const { body: rotated } = await service.refresh(first);
    const newer = await startService(
      {
        SESSION_SECRET: 'the-next-session-secret-0123456789-abcdef',
        SESSION_SECRET_PREVIOUS: former,
      },
      service.clock,
    );
    const { status, body } = await stepUp(newer, session.id, { refresh_token: first, ...PROOF });
    expect(status).toBe(200);
    const before = await newer.refresh(rotated.refresh_token);
    expect(claimsOf(before.body.access_token)).toEqual(BEFORE);
    newer.advance(GRACE);
    const after = await newer.refresh(body.refresh_token);
    expect(claimsOf(after.body.access_token)).toEqual(PROOF);
  });

  it('wherever the session has moved to meanwhile', async () => {
    const homes = await startThreeHomes();
    const { service, post } = homes;
    const { session, refresh_token: before } = await create(homes, { user_id: USER, ...BEFORE });
    service.advance(GRACE);
    const { body } = await stepUp(service, session.id, { refresh_token: before, ...PROOF });
    expect((await post(`/v1/users/${USER}/move`, { home: 'DB_WEUR' })).status).toBe(200);
    expect(claimsOf((await service.refresh(before)).body.access_token)).toEqual(BEFORE);
    expect(claimsOf((await service.refresh(body.refresh_token)).body.access_token)).toEqual(PROOF);
  });
});

it.each([{ before: 'Network connection lost.' }, { after: 'Network connection lost.' }])(
  'a step-up with the token before a rotation, and a database that fails with %o: done once',
  async (fault) => {
    const service = await startService();
    const { session, refresh_token: first } = await service.create({ user_id: USER, ...BEFORE });
    service.advance(GRACE);
    const { body: rotated } = await service.refresh(first);
    service.database.faults = [fault];
    const { status, body } = await stepUp(service, session.id, { refresh_token: first, ...PROOF });
    expect(status).toBe(200);
    expectGiven(await service.refresh(rotated.refresh_token), rotated.refresh_token, BEFORE);
    expectGiven(await service.refresh(body.refresh_token), body.refresh_token, PROOF);
    const { results } = await env.DB.prepare(
      "SELECT id FROM session_events WHERE type = 'authenticated'",
    ).all();
    expect(results).toHaveLength(1);
  },
);

describe('after the grace period', () => {
  it('it is theft once the answer to the step-up has been used', async () => {
    const service = await startService();
    const { session, before, after } = await startSteppedUp(service);
    service.advance(GRACE);
    expect((await service.refresh(after, APP, LAPTOP)).status).toBe(200);
    service.advance(GRACE);
    expect((await service.refresh(before, APP, LAPTOP)).body.reason).toBe('reuse_detected');
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'reuse_detected' });
  });

  /** Whoever lost the answer has been seen before. */
  async function startKnown(service: TestService) {
    const { session, refresh_token } = await service.create({ user_id: USER, ...BEFORE });
    service.advance(GRACE);
    const { body: known } = await service.refresh(refresh_token, APP, LAPTOP);
    service.advance(GRACE);
    const before = known.refresh_token;
    const { body } = await stepUp(service, session.id, { refresh_token: before, ...PROOF });
    service.advance(HOUR);
    return { session, before, after: body.refresh_token };
  }

  it('whoever lost the answer gets it, and the step-up is taken back: a thief who looks alike gains nothing', async () => {
    const service = await startService();
    const { session, before, after } = await startKnown(service);
    for (const seconds of [0, 1]) {
      service.advance(seconds);
      expectGiven(await service.refresh(before, APP, LAPTOP), after, BEFORE);
    }
    expect(await readRow(session.id)).toMatchObject({
      auth_time: BEFORE.auth_time,
      amr: JSON.stringify(BEFORE.amr),
      acr: BEFORE.acr,
      revoked_at: null,
    });
    // Of the two, whoever can proves it again, and the other has what it had.
    const { body } = await stepUp(service, session.id, { refresh_token: after, ...PROOF });
    expectGiven(await service.refresh(after, APP, LAPTOP), after, BEFORE);
    service.advance(GRACE);
    expectRaised(await service.refresh(body.refresh_token, APP, LAPTOP));
  });

  const expectRaised = ({ body }: RefreshAnswer) =>
    expect(claimsOf(body.access_token)).toEqual(PROOF);

  it('anyone else is a thief', async () => {
    const service = await startService();
    const { session, before } = await startKnown(service);
    expect((await service.refresh(before, APP, THIEF)).body.reason).toBe('reuse_detected');
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'reuse_detected' });
  });

  it('a step-up with it is refused, and changes nothing', async () => {
    const service = await startService();
    const { session, before } = await startKnown(service);
    const row = await readRow(session.id);
    expect((await stepUp(service, session.id, { refresh_token: before, ...PROOF })).status).toBe(
      409,
    );
    expect(await readRow(session.id)).toEqual(row);
  });
});

describe('an access token from before a step-up', () => {
  it.each([
    ['DELETE', (id: string) => `/v1/sessions/${id}`],
    ['POST', () => '/v1/sessions/revoke-others'],
  ] as const)('ends no other session by it: %s', async (method, path) => {
    const service = await startService({ REAUTHENTICATE_TO_REVOKE_SECONDS: '600' });
    const other = await service.create({ user_id: USER });
    const own = await service.create({ user_id: USER, ...BEFORE });
    service.advance(GRACE);
    const proof = { refresh_token: own.refresh_token, ...PROOF };
    const { body } = await stepUp(service, own.session.id, proof);
    const target = path(other.session.id);
    const refused = await service.bearer(method, target, own.access_token);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('max_age="600"');
    expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
    expect((await service.bearer(method, target, body.access_token)).ok).toBe(true);
    expect(await readRow(other.session.id)).toMatchObject({ revoked_reason: 'signed_out' });
  });
});

it('an export of the person shows nothing that verifies a token', async () => {
  const service = await startService();
  await startSteppedUp(service);
  const response = await service.request(`/v1/users/${USER}/export?cursor=DB.sessions.0`, {
    headers: { authorization: basic(BACKEND) },
  });
  expect(response.status).toBe(200);
  const text = await response.text();
  expect(text).toContain(PROOF.acr);
  expect(text).not.toContain('before_step_up');
});
