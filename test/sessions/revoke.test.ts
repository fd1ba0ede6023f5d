/** Ending sessions: whose they are, and what ends with them. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, readRow, startService, type TestService, type Tokens } from '../fixtures';
import { USER } from '../people';

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

describe('ending sessions', () => {
  it('someone else’s answers like one that does not exist, and lives on', async () => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    const victims = [
      await service.create({ user_id: crypto.randomUUID() }),
      await service.create(),
    ];
    const bodies = new Set<string>();
    for (const id of [...victims.map(({ session }) => session.id), crypto.randomUUID()]) {
      const response = await service.bearer('DELETE', `/v1/sessions/${id}`, mine.access_token);
      expect(response.status).toBe(404);
      bodies.add(JSON.stringify({ ...((await response.json()) as object), instance: '' }));
    }
    expect(bodies.size).toBe(1);
    for (const { refresh_token } of victims)
      expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it('one of mine, twice: 204 both times, and its refresh token is refused at once', async () => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    const phone = await service.create({ user_id: USER });
    service.database.roundTrips = 0;
    for (let time = 0; time < 2; time += 1) {
      expect(
        (await service.bearer('DELETE', `/v1/sessions/${phone.session.id}`, mine.access_token))
          .status,
      ).toBe(204);
    }
    expect(service.database.roundTrips).toBe(2);
    expect((await service.refresh(phone.refresh_token)).body.reason).toBe('signed_out');
    expect((await service.refresh(mine.refresh_token)).status).toBe(200);
  });

  it('once only: a second end, by whatever way, changes neither the time nor the reason', async () => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    const phone = await service.create({ user_id: USER });
    await service.bearer(
      'DELETE',
      `/v1/sessions/${phone.session.id.toUpperCase()}`,
      mine.access_token,
    );
    const before = await readRow(phone.session.id);
    expect(before).toMatchObject({ revoked_reason: 'signed_out' });
    service.advance(60);
    await service.bearer('DELETE', `/v1/sessions/${phone.session.id}`, mine.access_token);
    expect(
      await (await service.bearer('POST', '/v1/sessions/revoke-others', mine.access_token)).json(),
    ).toEqual({
      revoked: 0,
    });
    await service.form('/oauth/revoke', { token: phone.refresh_token, client_id: 'app' });
    await service.bearer('DELETE', '/v1/sessions/current', phone.access_token);
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    expect(await readRow(phone.session.id)).toEqual(before);
  });

  it('is seen by an online check at once', async () => {
    const service = await startService();
    const { access_token, refresh_token } = await service.create({
      user_id: USER,
      client_id: BACKEND.id,
    });
    const ask = async (token: string) =>
      (await service.form('/oauth/introspect', { token }, { authorization: basic(BACKEND) })).json<{
        active: boolean;
      }>();
    for (const token of [access_token, refresh_token])
      expect(await ask(token)).toMatchObject({ active: true });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    for (const token of [access_token, refresh_token])
      expect(await ask(token)).toEqual({ active: false });
  });

  it('of a guest is the guest’s own alone', async () => {
    const service = await startService();
    const [guest, other] = [await service.create(), await service.create()];
    const response = await service.bearer('POST', '/v1/sessions/revoke-others', guest.access_token);
    expect(await response.json()).toEqual({ revoked: 0 });
    expect(
      (await service.bearer('DELETE', `/v1/sessions/${other.session.id}`, guest.access_token))
        .status,
    ).toBe(404);
    expect((await service.refresh(other.refresh_token)).status).toBe(200);
  });

  it('all others keeps the caller’s', async () => {
    const service = await startService();
    const [mine, ...others] = await Promise.all(
      [1, 2, 3, 4].map(() => service.create({ user_id: USER })),
    );
    const stranger = await service.create({ user_id: crypto.randomUUID() });
    const response = await service.bearer(
      'POST',
      '/v1/sessions/revoke-others',
      (mine as Tokens).access_token,
    );
    expect(await response.json()).toEqual({ revoked: 3 });
    for (const { refresh_token } of others)
      expect((await service.refresh(refresh_token)).body.reason).toBe('signed_out');
    for (const { refresh_token } of [mine as Tokens, stranger])
      expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it('my own twice is no error', async () => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    for (const path of ['current', 'current', mine.session.id]) {
      expect(
        (await service.bearer('DELETE', `/v1/sessions/${path}`, mine.access_token)).status,
      ).toBe(204);
    }
  });

  it.each([
    [
      'revoked',
      (service: TestService, { access_token }: Tokens) =>
        service.bearer('DELETE', '/v1/sessions/current', access_token),
    ],
    [
      'past its limit',
      (_: TestService, { session }: Tokens) =>
        env.DB.prepare('UPDATE user_sessions SET expires_at = 1 WHERE id = ?')
          .bind(session.id)
          .run(),
    ],
    [
      'erased',
      (_: TestService, { session }: Tokens) =>
        env.DB.prepare('DELETE FROM user_sessions WHERE id = ?').bind(session.id).run(),
    ],
  ])(
    'a caller whose own session is %s changes and reads nothing, although the access token is good',
    async (_, end) => {
      const service = await startService();
      const ended = await service.create({ user_id: USER });
      const phone = await service.create({ user_id: USER });
      await end(service, ended);
      const calls = [
        ['GET', '/v1/sessions'],
        ['GET', '/v1/sessions/current'],
        ['DELETE', `/v1/sessions/${phone.session.id}`],
        ['DELETE', `/v1/sessions/${crypto.randomUUID()}`],
        ['POST', '/v1/sessions/revoke-others'],
      ] as const;
      for (const [method, path] of calls) {
        // An isolate that has not met the token yet; one that has does not ask again.
        const isolate = await startService();
        await isolate.request('/.well-known/jwks.json');
        Object.assign(isolate.database, { roundTrips: 0, rowsWritten: 0 });
        const response = await isolate.bearer(method, path, ended.access_token);
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
        // The check and the act are one round trip, so that nothing comes between them.
        expect(isolate.database).toMatchObject({ roundTrips: 1, rowsWritten: 0 });
      }
      expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
    },
  );
});

describe('a backend', () => {
  it('signs a user out everywhere, and no one else, and it is safe to repeat', async () => {
    const service = await startService();
    const others = [await service.create({ user_id: crypto.randomUUID() }), await service.create()];
    const sessions = await Promise.all([1, 2, 3].map(() => service.create({ user_id: USER })));
    for (const revoked of [3, 0]) {
      expect(await (await service.backend('DELETE', `/v1/users/${USER}/sessions`)).json()).toEqual({
        revoked,
      });
    }
    for (const { refresh_token } of sessions)
      expect((await service.refresh(refresh_token)).body.reason).toBe('revoked');
    for (const { refresh_token } of others)
      expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it('erases a user: no row is left', async () => {
    const service = await startService();
    const { refresh_token, access_token } = await service.create({
      user_id: USER,
      ip_address: '192.0.2.7',
    });
    for (let time = 0; time < 2; time += 1)
      expect((await service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
    const { results } = await env.DB.prepare(
      'SELECT id FROM user_sessions UNION ALL SELECT id FROM users',
    ).all();
    expect(results).toEqual([]);
    expect((await service.refresh(refresh_token)).body.error).toBe('invalid_grant');
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(401);
  });
});
