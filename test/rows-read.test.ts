/**
 * Rows that D1 reads, which it bills, and which hold up everyone else while it reads them: bounded
 * by a page, or by what an operation ends, whatever the history of its person.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { newMeter, openHome } from '../src/db/d1';
import { deleteLapsed } from '../src/sessions/dead-rows';
import { BACKEND, basic, readRow, startService, type TestService } from './fixtures';
import { empty, fillEvents, fillSessions } from './large-data';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const OTHER = '0a9c1d52-9a53-4a4e-8d4e-3f1f0f0b7a22';
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

beforeEach(async () => {
  await empty();
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** Rows that an operation reads, on an isolate that knows the signing keys. */
async function rowsReadBy(
  { database }: TestService,
  operation: () => Promise<unknown>,
): Promise<number> {
  Object.assign(database, { roundTrips: 0, rowsRead: 0, mostRowsRead: 0, rowsWritten: 0 });
  await operation();
  return database.rowsRead;
}

const isOpen = async () =>
  (
    await env.DB.prepare('SELECT count(*) AS n FROM user_sessions WHERE revoked_at IS NULL').first<{
      n: number;
    }>()
  )?.n;

describe('ending sessions', () => {
  const ALL: Parameters<typeof startService>[0] = { MAX_SESSIONS_PER_USER: '0' };

  it.each([
    ['one that is not there', 'DELETE', `/v1/sessions/${UNKNOWN}`],
    ['the others, of which there are none', 'POST', '/v1/sessions/revoke-others'],
    ['the caller’s own', 'DELETE', '/v1/sessions/current'],
  ])('%s: a log of 100,000 events is not read', async (_, method, path) => {
    const service = await startService();
    await fillEvents(USER, 100_000);
    const mine = await service.create({ user_id: USER });
    const rows = await rowsReadBy(service, () => service.bearer(method, path, mine.access_token));
    expect(rows).toBeLessThan(800);
  });

  it('a token’s, by its client: a log of 100,000 events is not read', async () => {
    const service = await startService();
    await fillEvents(USER, 100_000);
    const { refresh_token } = await service.create({ user_id: USER });
    const rows = await rowsReadBy(service, () =>
      service.form('/oauth/revoke', { token: refresh_token, client_id: 'app' }),
    );
    expect(rows).toBeLessThan(20);
  });

  it.each([
    ['the person', 1],
    ['a backend', 0],
  ])('all but what is live of 10,000 is passed over, by %s', async (who, left) => {
    const service = await startService(ALL);
    await fillSessions(USER, 10_000, 'ended');
    const mine = await service.create({ user_id: USER });
    await service.create({ user_id: USER });
    const rows = await rowsReadBy(service, () =>
      who === 'a backend'
        ? service.backend('DELETE', `/v1/users/${USER}/sessions`)
        : service.bearer('POST', '/v1/sessions/revoke-others', mine.access_token),
    );
    expect(rows).toBeLessThan(60);
    expect(await isOpen()).toBe(left);
  });

  it.each([
    ['the person', 1],
    ['a backend', 0],
  ])('20,000 at once end in slices, each an event, by %s', async (who, left) => {
    const service = await startService(ALL);
    await fillSessions(USER, 20_000);
    const mine = await service.create({ user_id: USER });
    const rows = await rowsReadBy(service, async () => {
      const answer =
        who === 'a backend'
          ? await service.backend('DELETE', `/v1/users/${USER}/sessions`)
          : await service.bearer('POST', '/v1/sessions/revoke-others', mine.access_token);
      expect(await answer.json()).toEqual({ revoked: 20_001 - left });
    });
    expect(rows).toBeLessThan(20_000 * 20);
    // 500 of them a transaction, so 41.
    expect(service.database.roundTrips).toBe(41);
    expect(service.database.mostRowsRead).toBeLessThan(500 * 20);
    expect(await isOpen()).toBe(left);
    const events = await env.DB.prepare(
      "SELECT count(*) AS n FROM session_events WHERE type = 'session_revoked'",
    ).first<{ n: number }>();
    expect(events?.n).toBe(20_001 - left);
  });

  it('of other clients than the backend’s own, each slice is looked at once', async () => {
    const service = await startService(ALL);
    await fillSessions(USER, 5_000);
    const rows = await rowsReadBy(service, () =>
      service.request(`/v1/users/${USER}/sessions`, {
        method: 'DELETE',
        headers: {
          authorization: basic({ id: 'other-backend', secret: 'other-secret-of-the-tests' }),
        },
      }),
    );
    expect(rows).toBeLessThan(5_000 * 10);
    expect(await isOpen()).toBe(5_000);
  });

  it('when a not-before lapses, neither other people’s sessions nor guests are read', async () => {
    const service = await startService();
    const home = openHome({ name: 'DB', binding: service.env.DB, timeoutMs: 5_000 }, newMeter());
    await fillSessions(OTHER, 5_000);
    await env.DB.exec(`UPDATE user_sessions SET user_id = NULL WHERE rowid % 2 = 0`);
    const { session: ofUser } = await service.create({ user_id: USER });
    const { session: guest } = await service.create();
    const second = service.clock.now / 1000;
    for (const subject of [USER, guest.id])
      await env.DB.prepare('INSERT INTO outdated_tokens VALUES (?, ?, ?)')
        .bind(subject, second + 1, second)
        .run();
    const rows = await rowsReadBy(service, () =>
      deleteLapsed(home, new Date(service.clock.now), 100),
    );
    expect(rows).toBeLessThan(60);
    for (const { id } of [ofUser, guest])
      expect(await readRow(id)).toMatchObject({
        revoked_at: second + 1,
        revoked_reason: 'revoked',
      });
    expect(await isOpen()).toBe(5_000);
  });

  it('a token that is asked about is one row', async () => {
    const service = await startService();
    await fillSessions(USER, 20_000, 'ended');
    await fillEvents(USER, 100_000);
    const { access_token, refresh_token } = await service.create({ user_id: USER });
    for (const token of [access_token, refresh_token]) {
      const rows = await rowsReadBy(service, () =>
        service.form('/oauth/introspect', { token }, { authorization: basic(BACKEND) }),
      );
      expect(rows).toBeLessThan(5);
    }
  });
});
