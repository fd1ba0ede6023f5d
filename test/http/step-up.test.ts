/**
 * Step-up: a fresh authentication on a live session, and what asks for one (RFC 9470, ASVS 7.5.2).
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  APP,
  BACKEND,
  basic,
  ISSUER,
  readRow,
  START,
  startService,
  stepUp,
  type Tokens,
} from '../fixtures';
import { USER } from '../people';
import { SAME_ORIGIN, send, signIn, startWithBrowsers } from './browser/browser';

const GRACE = 30;
const NOW = START / 1000;

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

describe('POST /v1/sessions/{id}/authentication', () => {
  it('updates when and how, moves the token on, and the new access token says so', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({
      user_id: USER,
      amr: ['pwd'],
      auth_time: NOW - 3_600,
    });
    service.advance(GRACE);
    service.database.roundTrips = 0;
    const proof = { amr: ['pwd', 'hwk'], acr: 'urn:acr:2', auth_time: NOW + 20 };
    const { status, body } = await stepUp(service, session.id, { refresh_token, ...proof });
    expect(status).toBe(200);
    expect(service.database.roundTrips).toBe(1);
    expect(body.session).toMatchObject({
      id: session.id,
      amr: proof.amr,
      acr: proof.acr,
      auth_time: '2026-01-01T00:00:20Z',
    });
    expect(decodeJwt(body.access_token)).toMatchObject(proof);
    expect(body.refresh_token).not.toBe(refresh_token);
    service.advance(GRACE);
    const refreshed = await service.refresh(body.refresh_token);
    expect(refreshed.status).toBe(200);
    // A refresh does not advance it.
    expect(decodeJwt(refreshed.body.access_token)).toMatchObject(proof);
    const { results } = await env.DB.prepare(
      "SELECT type FROM session_events WHERE type = 'authenticated'",
    ).all();
    expect(results).toHaveLength(1);
  });

  it('what is not said of it is not known; the time is now', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({
      user_id: USER,
      amr: ['pwd'],
      acr: 'urn:acr:1',
      auth_time: 5,
    });
    const { body } = await stepUp(service, session.id, { refresh_token });
    // A password does not inherit the class of the passkey before it.
    expect(body.session).toMatchObject({
      amr: null,
      acr: null,
      auth_time: '2026-01-01T00:00:00Z',
    });
    const { acr, amr } = decodeJwt(body.access_token as string);
    expect({ acr, amr }).toEqual({});
  });

  it('a repeat gives the same token', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({ user_id: USER });
    service.advance(GRACE);
    const proof = { refresh_token, amr: ['hwk'] };
    const answers = [
      await stepUp(service, session.id, proof),
      await stepUp(service, session.id, proof),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  });

  it('20 of them and 20 refreshes at once: one answer, nobody is signed out, and nobody else is raised', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({ user_id: USER });
    service.advance(GRACE);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, number) =>
        number % 2 === 0
          ? service.refresh(refresh_token)
          : stepUp(service, session.id, { refresh_token, amr: ['hwk'] }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const ofStepUps = new Set<string>();
    for (const [number, { body }] of answers.entries()) {
      if (number % 2 === 1) ofStepUps.add(body.refresh_token);
      expect(decodeJwt(body.access_token).amr).toEqual(number % 2 === 0 ? undefined : ['hwk']);
    }
    expect(ofStepUps.size).toBe(1);
    for (const [number, { body }] of answers.entries())
      if (number % 2 === 0) expect(ofStepUps).not.toContain(body.refresh_token);
    expect(await readRow(session.id)).toMatchObject({ amr: '["hwk"]', revoked_at: null });
  });

  it.each([{ before: 'Network connection lost.' }, { after: 'Network connection lost.' }])(
    'a database that fails with %o: done once, also with strict rotation',
    async (fault) => {
      const service = await startService({ REFRESH_GRACE_SECONDS: '0' });
      const { session, refresh_token } = await service.create({ user_id: USER });
      service.advance(GRACE);
      service.database.faults = [fault];
      const { status, body } = await stepUp(service, session.id, { refresh_token, amr: ['hwk'] });
      expect(status).toBe(200);
      service.advance(GRACE);
      expect((await service.refresh(body.refresh_token)).status).toBe(200);
    },
  );

  it('a superseded token: 409, and the session lives on', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({ user_id: USER });
    service.advance(GRACE);
    const { body: current } = await service.refresh(refresh_token);
    service.advance(GRACE);
    expect(await stepUp(service, session.id, { refresh_token })).toMatchObject({
      status: 409,
      body: { code: 'refresh_token_superseded' },
    });
    expect((await service.refresh(current.refresh_token)).status).toBe(200);
  });

  it('an ended session: 409 with the reason', async () => {
    const service = await startService();
    const { session, refresh_token, access_token } = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    expect(await stepUp(service, session.id, { refresh_token })).toMatchObject({
      status: 409,
      body: { code: 'session_over', reason: 'signed_out' },
    });
  });

  it.each([
    ['another session’s token', 404, (other: Tokens) => ({ refresh_token: other.refresh_token })],
    ['a forged token', 404, () => ({ refresh_token: 'v2.a.b.c' })],
    ['no token', 400, () => ({})],
    [
      'a time in the future',
      400,
      (_: Tokens, own: Tokens) => ({ refresh_token: own.refresh_token, auth_time: NOW + 3_600 }),
    ],
    [
      'a time before the last',
      400,
      (_: Tokens, own: Tokens) => ({ refresh_token: own.refresh_token, auth_time: NOW - 1 }),
    ],
    [
      'an unknown field',
      400,
      (_: Tokens, own: Tokens) => ({ refresh_token: own.refresh_token, scope: 'x' }),
    ],
  ])('%s: %i, and nothing changes', async (_, status, body) => {
    const service = await startService();
    const [own, other] = [await service.create({ user_id: USER }), await service.create()];
    const before = await readRow(own.session.id);
    expect((await stepUp(service, own.session.id, body(other, own))).status).toBe(status);
    expect(await readRow(own.session.id)).toEqual(before);
  });

  it('is for backends that may create sessions', async () => {
    const service = await startService();
    const { session, refresh_token, access_token } = await service.create({ user_id: USER });
    for (const [status, authorization] of [
      [401, `Bearer ${access_token}`],
      // A public client, which has no secret and may not.
      [403, basic({ id: APP, secret: '' })],
      [401, basic({ id: BACKEND.id, secret: 'wrong' })],
    ] as const)
      expect((await stepUp(service, session.id, { refresh_token }, authorization)).status).toBe(
        status,
      );
  });
});

describe('REAUTHENTICATE_TO_REVOKE_SECONDS', () => {
  it('ending other sessions asks for a recent authentication; ending one’s own does not', async () => {
    const service = await startService({ REAUTHENTICATE_TO_REVOKE_SECONDS: '60' });
    const other = await service.create({ user_id: USER });
    const own = await service.create({ user_id: USER });
    service.advance(61);
    for (const [method, path] of [
      ['DELETE', `/v1/sessions/${other.session.id}`],
      ['POST', '/v1/sessions/revoke-others'],
    ] as const) {
      const response = await service.bearer(method, path, own.access_token);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(
        'Bearer error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="60"',
      );
    }
    expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
    const { body } = await stepUp(service, own.session.id, { refresh_token: own.refresh_token });
    expect(
      (await service.bearer('DELETE', `/v1/sessions/${other.session.id}`, body.access_token))
        .status,
    ).toBe(204);
    service.advance(61);
    expect(
      (await service.bearer('DELETE', `/v1/sessions/${own.session.id}`, body.access_token)).status,
    ).toBe(204);
  });

  describe('in a browser', () => {
    const FORM = {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
      origin: ISSUER,
    };
    const paths: [string, Record<string, string>][] = [
      ['/account/sessions/:id/sign-out', FORM],
      ['/account/sign-out-others', FORM],
      ['/browser/sign-out-everywhere', SAME_ORIGIN],
    ];

    it.each(paths)('POST %s asks for a recent authentication too', async (path, headers) => {
      const service = await startWithBrowsers({ REAUTHENTICATE_TO_REVOKE_SECONDS: '60' });
      const others = [await signIn(service, { user_id: USER })];
      others.push(await signIn(service, { user_id: USER }));
      const own = await signIn(service, { user_id: USER });
      const post = () =>
        send(service, own.jar, 'POST', path.replace(':id', others[0]?.session.id ?? ''), headers);
      service.advance(61);
      const response = await post();
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('max_age="60"');
      for (const { session } of [...others, own])
        expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
      // Nor were they ended by a not-before.
      for (const { jar } of [...others, own])
        expect((await send(service, jar, 'GET', '/browser/session')).status).toBe(200);
      const { jar, session } = own;
      const [client, token] = (jar.get('__Host-session') ?? '').split('~') as [string, string];
      const { body } = await stepUp(service, session.id, { refresh_token: token });
      // What the browser has is as old as it was: a copy of it is in the same position.
      expect((await post()).status).toBe(401);
      expect(await readRow(others[0]?.session.id ?? '')).toMatchObject({ revoked_at: null });
      jar.set('__Host-session', `${client}~${body.refresh_token}`);
      expect((await post()).status).toBeLessThan(400);
      expect(await readRow(others[0]?.session.id ?? '')).toMatchObject({
        revoked_reason: 'signed_out',
      });
    });

    it('a session without an authentication, and one older than a second too much, ends no others', async () => {
      const service = await startWithBrowsers({ REAUTHENTICATE_TO_REVOKE_SECONDS: '60' });
      const other = await signIn(service, { user_id: USER });
      const own = await signIn(service, { user_id: USER });
      service.advance(60);
      const set = (authTime: number | null) =>
        env.DB.prepare('UPDATE user_sessions SET auth_time = ? WHERE id = ?')
          .bind(authTime, own.session.id)
          .run();
      for (const authTime of [null, NOW - 1]) {
        await set(authTime);
        for (const [path, headers] of paths.slice(1))
          expect((await send(service, own.jar, 'POST', path, headers)).status).toBe(401);
      }
      expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
      await set(NOW);
      const last = await send(service, own.jar, 'POST', '/account/sign-out-others', FORM);
      expect(last.status).toBe(303);
    });
  });
});
