/**
 * Rows that D1 reads, which it bills, and which hold up everyone else while it reads them: bounded
 * by a page, or by what an operation ends, whatever the history of its person.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { openHome } from '../src/db/d1';
import { newAccess } from '../src/db/d1-access';
import { runScheduled } from '../src/scheduled';
import { deleteLapsed } from '../src/sessions/dead-rows';
import { BACKEND, basic, readRow, START, startService, type TestService } from './fixtures';
import { empty, fillEvents, fillSessions } from './large-data';
import { USER } from './people';

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
    const home = openHome({ name: 'DB', binding: service.env.DB, timeoutMs: 5_000 }, newAccess());
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

describe('starting a session', () => {
  const count = async (where: string) =>
    (
      await env.DB.prepare(`SELECT count(*) AS n FROM user_sessions WHERE ${where}`).first<{
        n: number;
      }>()
    )?.n;
  const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

  it.each(['evict_oldest', 'reject'])(
    'of a person with 10,000 that ended and a log of 100,000 events, limit by %s',
    async (policy) => {
      const service = await startService({ SESSION_LIMIT_POLICY: policy });
      await fillSessions(USER, 10_000, 'ended');
      await fillEvents(USER, 100_000);
      await service.create({ user_id: USER });
      const body = { user_id: USER, user_agent: FIREFOX };
      expect(await rowsReadBy(service, () => service.create(body))).toBeLessThan(150);
      expect(service.database.roundTrips).toBe(1);
    },
  );

  it('of a person with 20,000 live ones, where there is no limit', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 20_000);
    await service.create({ user_id: crypto.randomUUID() });
    const body = { user_id: USER, user_agent: FIREFOX };
    expect(await rowsReadBy(service, () => service.create(body))).toBeLessThan(300);
  });

  it('at the limit: what there is of others, and of keys of the day, is not read', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '100' });
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
       INSERT INTO idempotency_keys SELECT 'k' || i, 'f', 's' || i, 'x', ${START / 1000} FROM n`,
    ).run();
    await fillSessions(USER, 100);
    await service.create({ user_id: crypto.randomUUID() });
    const body = { user_id: USER, user_agent: FIREFOX };
    const key = { 'idempotency-key': 'mine' };
    expect(await rowsReadBy(service, () => service.create(body, key))).toBeLessThan(1_500);
    expect(service.database.roundTrips).toBe(1);
    expect(await count('revoked_at IS NULL')).toBe(101);
  });

  it('under a limit that was lowered: 20,000 live ones end in slices, to the exact number', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '100' });
    await fillSessions(USER, 20_000);
    const mine = await service.create({ user_id: USER });
    expect(service.database.mostRowsRead).toBeLessThan(500 * 20);
    expect(await count('revoked_at IS NULL')).toBe(100);
    expect(await count("revoked_reason = 'evicted'")).toBe(19_901);
    expect((await service.refresh(mine.refresh_token)).status).toBe(200);
    expect(await rowsReadBy(service, () => service.create({ user_id: USER }))).toBeLessThan(1_500);
    expect(await count('revoked_at IS NULL')).toBe(100);
  });

  it.each(['evict_oldest', 'reject'])(
    'among 5,000 that died of time, limit by %s: they are marked once, and none is passed over again',
    async (policy) => {
      const service = await startService({
        MAX_SESSIONS_PER_USER: '2',
        SESSION_LIMIT_POLICY: policy,
        INACTIVITY_TIMEOUT_SECONDS: '0',
      });
      const first = await service.create({ user_id: USER });
      await fillSessions(USER, 5_000, 'expired');
      await service.create({ user_id: USER });
      expect(await count('revoked_at IS NULL')).toBe(2);
      expect(await count("revoked_reason = 'expired_absolute'")).toBe(5_000);
      expect((await service.refresh(first.refresh_token)).status).toBe(200);
      const attempt = () => service.create({ user_id: USER }).catch(String);
      expect(await rowsReadBy(service, attempt)).toBeLessThan(150);
      expect(await count('revoked_at IS NULL')).toBe(2);
    },
  );

  it('of a guest with a log of 1,200 events, which is the user’s afterwards', async () => {
    const service = await startService();
    const guest = await service.create();
    await fillEvents(guest.session.id, 1_200);
    await service.create({ user_id: USER, guest_session_id: guest.session.id });
    expect(service.database.mostRowsRead).toBeLessThan(500 * 7);
    const events = await env.DB.prepare(
      'SELECT count(*) AS n FROM session_events WHERE subject = ?',
    )
      .bind(guest.session.id)
      .first();
    expect(events).toEqual({ n: 0 });
  });
});

describe('numbers', () => {
  const runCron = (service: TestService) => runScheduled(service.env, service.clock.now);

  it('of 100,000 sessions with a log of 100,000 events: neither is read to tell them, and the cron reads what the log gained', async () => {
    const service = await startService({
      MAX_SESSIONS_PER_USER: '0',
      INACTIVITY_TIMEOUT_SECONDS: '0',
    });
    await fillSessions(USER, 100_000);
    await fillEvents(USER, 100_000);
    await runCron(service);
    await fillEvents(USER, 10);
    const rowsOfRun = await rowsReadBy(service, () => runCron(service));
    // The walk for inactive sessions looks at 20,000 of them a run, once more than it did before it
    // counted them.
    expect(rowsOfRun).toBeLessThan(4 * 20_000 + 2_000);
    expect(service.database.mostRowsRead).toBeLessThan(3_000);
    for (const path of ['/v1/stats', '/v1/stats?hours=744']) {
      const rows = await rowsReadBy(service, async () => {
        expect((await service.backend('GET', path)).status).toBe(200);
      });
      expect(rows).toBeLessThan(500);
      expect(service.database.roundTrips).toBe(1);
    }
  });
});

describe('lists', () => {
  interface List {
    sessions?: { id: string }[];
    events?: object[];
    next_cursor: string | null;
  }
  const OTHERS = { id: 'other-backend', secret: 'other-secret-of-the-tests' };

  /** Reads all pages. Returns how many rows they have, and how many each of them read at most. */
  async function readAll(
    service: TestService,
    read: (query: string) => Promise<Response>,
    limit = 100,
  ): Promise<{ rows: number; pages: number; mostRead: number }> {
    let [rows, pages, mostRead] = [0, 0, 0];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query = `?limit=${limit}${cursor && `&cursor=${cursor}`}`;
      let page: List | null = null;
      const rowsRead = await rowsReadBy(service, async () => {
        const response = await read(query);
        expect(response.status).toBe(200);
        page = await response.json<List>();
      });
      const { sessions, events, next_cursor } = page as unknown as List;
      mostRead = Math.max(mostRead, rowsRead);
      rows += (sessions ?? events ?? []).length;
      pages += 1;
      cursor = next_cursor;
    }
    return { rows, pages, mostRead };
  }

  it('a person with 20,000 sessions: a page of one reads a page, in one round trip', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 20_000);
    const mine = await service.create({ user_id: USER });
    const list = () => service.bearer('GET', '/v1/sessions?limit=1', mine.access_token);
    expect(await rowsReadBy(service, list)).toBeLessThan(60);
    expect(service.database.roundTrips).toBe(1);
  });

  it('a person with 1,000 live sessions among 10,000 that ended sees each once', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 10_000, 'ended');
    await fillSessions(USER, 999);
    const mine = await service.create({ user_id: USER });
    const all = await readAll(service, (query) =>
      service.bearer('GET', `/v1/sessions${query}`, mine.access_token),
    );
    expect(all).toEqual({ rows: 1_000, pages: 10, mostRead: expect.any(Number) });
    expect(all.mostRead).toBeLessThan(200);
  });

  it('1,000 that died of time are passed over, a bounded number a page', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 10);
    await fillSessions(USER, 1_000, 'expired');
    const mine = await service.create({ user_id: USER });
    const all = await readAll(
      service,
      (query) => service.bearer('GET', `/v1/sessions${query}`, mine.access_token),
      20,
    );
    expect(all.rows).toBe(11);
    expect(all.mostRead).toBeLessThan(100);
  });

  it('2,000 of the very same second come in pages too', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 2_000);
    await env.DB.exec(`UPDATE user_sessions SET created_at = ${START / 1000 - 60}`);
    const mine = await service.create({ user_id: USER });
    const all = await readAll(service, (query) =>
      service.bearer('GET', `/v1/sessions${query}`, mine.access_token),
    );
    expect(all.rows).toBe(2_001);
    expect(all.mostRead).toBeLessThan(200);
  });

  it.each([
    ['live ones', ''],
    ['all of them', '&include=ended'],
  ])('a backend’s list of a user, %s, reads a page', async (_, include) => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 2_000, 'ended');
    await fillSessions(USER, 500);
    const all = await readAll(service, (query) =>
      service.backend('GET', `/v1/users/${USER}/sessions${query}${include}`),
    );
    expect(all.rows).toBe(include === '' ? 500 : 2_500);
    expect(all.mostRead).toBeLessThan(200);
  });

  it.each([
    ['client_id=nobody', 60],
    ['client_id=nobody&include=ended', 60],
    ['device=safari', 60],
    // Of the middle of the list, where it is in the order of the index.
    [`created_after=${START / 1000 - 3_000_060}&created_before=${START / 1000 - 3_000_000}`, 60],
    [`last_used_before=${START / 1000 - 5_999_000}`, 60],
  ])('?%s: a page of what is seldom among 100,000 reads %i rows or fewer', async (query, most) => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 100_000);
    const path = `/v1/users/${USER}/sessions?limit=5&${query}`;
    const rows = await rowsReadBy(service, () => service.backend('GET', path));
    expect(rows).toBeLessThanOrEqual(most);
  });

  it('the two ends of `created_…` find what is between them in one page, wherever that is', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 100_000);
    const from = START / 1000 - 600_000;
    const path = `/v1/users/${USER}/sessions?limit=5&created_after=${from}&created_before=${from + 180}`;
    const answer = await (await service.backend('GET', path)).json<{ sessions: unknown[] }>();
    expect(answer).toMatchObject({ sessions: [{}, {}, {}], next_cursor: null });
  });

  it.each(['sessions?include=ended', 'sessions?', 'events?'])(
    'a backend that acts for other clients alone: %s reads a page, and shows none of it',
    async (list) => {
      const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
      await fillSessions(USER, 500);
      await fillEvents(USER, 500);
      const all = await readAll(service, (query) =>
        service.request(`/v1/users/${USER}/${list}&${query.slice(1)}`, {
          headers: { authorization: basic(OTHERS) },
        }),
      );
      expect(all.rows).toBe(0);
      expect(all.mostRead).toBeLessThan(200);
    },
  );

  it.each(['person', 'backend'])(
    'a page of a log of 100,000 events reads a page, for the %s',
    async (who) => {
      const service = await startService();
      await fillEvents(USER, 100_000);
      const mine = await service.create({ user_id: USER });
      const read = () =>
        who === 'person'
          ? service.bearer('GET', '/v1/events?limit=20', mine.access_token)
          : service.backend('GET', `/v1/users/${USER}/events?limit=20`);
      expect(await rowsReadBy(service, read)).toBeLessThan(80);
    },
  );
});

describe('all that is held of a person', () => {
  const TABLES = {
    user_sessions: 'user_id',
    session_events: 'subject',
    outdated_tokens: 'subject',
  };
  const held = async () => {
    const counts = Object.entries(TABLES).map(([table, column]) =>
      env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${column} = ?`).bind(USER).first(),
    );
    const user = env.DB.prepare('SELECT count(*) AS n FROM users WHERE id = ?').bind(USER).first();
    return [...(await Promise.all(counts)), await user];
  };

  it('of 5,000 sessions and 20,000 events is erased in slices, and nothing is left', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 3_000);
    await fillSessions(USER, 2_000, 'ended');
    await fillEvents(USER, 20_000);
    const mine = await service.create({ user_id: USER });
    await rowsReadBy(service, async () => {
      const answer = await service.backend('DELETE', `/v1/users/${USER}`);
      expect(answer.status).toBe(204);
    });
    expect(service.database.mostRowsRead).toBeLessThan(500 * 30);
    expect(await held()).toEqual(Array(4).fill({ n: 0 }));
    expect((await service.refresh(mine.refresh_token)).status).toBe(400);
  });

  it('no session lives on while the slices of an erasure go on', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 1_200);
    const mine = await service.create({ user_id: USER });
    // The first slice is done; the second is not, and the caller has to ask again.
    service.database.faults = [null, null, { before: 'D1_ERROR: overloaded' }];
    expect((await service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(503);
    expect(await isOpen()).toBeGreaterThan(0);
    expect((await service.refresh(mine.refresh_token)).status).toBe(400);
    service.database.faults = [];
    expect((await service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
    expect(await held()).toEqual(Array(4).fill({ n: 0 }));
  });

  it('of a user who was 600 guests is erased, the guests too', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 5_000, 'ended');
    await env.DB.exec(
      "UPDATE user_sessions SET revoked_reason = 'upgraded' WHERE rowid IN (SELECT rowid FROM user_sessions LIMIT 600)",
    );
    expect((await service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
    expect(await held()).toEqual(Array(4).fill({ n: 0 }));
  });

  it('of 20,000 sessions and 100,000 events is exported by the page, each row once', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 20_000);
    await fillEvents(USER, 100_000);
    const home = 'DB';
    for (const [section, last] of [
      ['sessions', 20_000],
      ['events', 100_000],
    ] as const)
      for (const after of [0, 10_000, last - 50]) {
        const path = `/v1/users/${USER}/export?limit=50&cursor=${home}.${section}.${after}`;
        let records: object[] = [];
        const rows = await rowsReadBy(service, async () => {
          const answer = await service.backend('GET', path);
          expect(answer.status).toBe(200);
          records = (await answer.json<{ records: object[] }>()).records;
        });
        expect(records.length).toBeGreaterThanOrEqual(50);
        expect(rows).toBeLessThan(1_000);
      }
  });
});
