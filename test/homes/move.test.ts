/**
 * Moving a user from home to home: nobody is signed out, nothing is live twice, and a cut anywhere
 * is finished (src/homes/move.ts).
 */
import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { APP, type Fault, type Tokens } from '../fixtures';
import { holdCall } from '../held-call';
import { USER } from '../people';
import {
  AWAY,
  beginEmpty,
  create,
  DESCRIBED,
  emptyHomes,
  expectNoForks,
  FROM,
  HOMES,
  type HomeName,
  homeOf,
  livesIn,
  startThreeHomes,
  type ThreeHomes,
  takeAway,
} from './three-homes';

const GRACE = 30;

const log = beginEmpty();

const move = (homes: ThreeHomes, home: HomeName, user = USER) =>
  homes.post(`/v1/users/${user}/move`, { home });

/** A user of two sessions in Western Europe. */
async function start(variables: Record<string, string> = {}) {
  const homes = await startThreeHomes(variables as object);
  const sessions = [
    await create(homes, { user_id: USER }, FROM.paris),
    await create(homes, { user_id: USER }, FROM.paris),
  ] as const;
  homes.service.advance(GRACE);
  return { homes, sessions };
}

/** A move from Western Europe that the source has begun, and whose rows the target has not got. */
async function cutOnTheWay(homes: ThreeHomes, to: HomeName, user = USER): Promise<void> {
  homes.databases.DB_WEUR.faults = [null, null, { before: AWAY.before }];
  expect((await move(homes, to, user)).status).toBe(503);
}

describe('a user who moved', () => {
  it('is signed out nowhere: old tokens are good, lead to the new home, and are good for the grace period', async () => {
    const { homes, sessions } = await start();
    expect(await move(homes, 'DB_APAC')).toMatchObject({
      status: 200,
      body: { moved: true, home: 'DB_APAC' },
    });
    for (const { session, refresh_token } of sessions) {
      expect(await livesIn(session.id)).toEqual(['DB_APAC']);
      const first = await homes.service.refresh(refresh_token);
      expect(first.status).toBe(200);
      expect(homeOf(first.body.refresh_token)).toBe('DB_APAC');
      const again = await homes.service.refresh(refresh_token);
      expect(again.body.refresh_token).toBe(first.body.refresh_token);
    }
  });

  it('costs one home and one round trip again from the first refresh on', async () => {
    const { homes, sessions } = await start();
    await move(homes, 'DB_APAC');
    const { body } = await homes.service.refresh(sessions[0].refresh_token);
    homes.service.advance(GRACE);
    // An isolate reads the signing keys once a minute.
    await homes.service.request('/.well-known/jwks.json');
    homes.roundTrips();
    await homes.service.refresh(body.refresh_token);
    expect(homes.roundTrips()).toEqual({ DB: 0, DB_APAC: 1, DB_WEUR: 0 });
  });

  it('has reuse noticed as before', async () => {
    const { homes, sessions } = await start();
    const { body } = await homes.service.refresh(sessions[0].refresh_token);
    await move(homes, 'DB_APAC');
    homes.service.advance(GRACE);
    expect((await homes.service.refresh(body.refresh_token)).status).toBe(200);
    homes.service.advance(GRACE);
    expect((await homes.service.refresh(sessions[0].refresh_token)).body).toMatchObject({
      reason: 'reuse_detected',
    });
    expect(await livesIn(sessions[0].session.id)).toEqual([]);
  });

  it('can do all that an access token of the old home may', async () => {
    const { homes, sessions } = await start();
    const [{ access_token, session }, other] = sessions;
    await move(homes, 'DB_APAC');
    const list = await homes.service.bearer('GET', '/v1/sessions', access_token);
    expect(((await list.json()) as { sessions: unknown[] }).sessions).toHaveLength(2);
    expect((await homes.service.bearer('GET', '/v1/sessions/current', access_token)).status).toBe(
      200,
    );
    const events = await homes.service.bearer('GET', '/v1/events', access_token);
    expect(
      ((await events.json()) as { events: { type: string }[] }).events.map(({ type }) => type),
    ).toEqual(['session_created', 'session_created']);
    expect(
      (await homes.service.bearer('DELETE', `/v1/sessions/${other.session.id}`, access_token))
        .status,
    ).toBe(204);
    expect(await livesIn(other.session.id)).toEqual([]);
    expect(
      (await homes.service.bearer('DELETE', '/v1/sessions/current', access_token)).status,
    ).toBe(204);
    expect(await livesIn(session.id)).toEqual([]);
    expect((await homes.service.refresh(sessions[0].refresh_token)).body).toMatchObject({
      reason: 'signed_out',
    });
  });

  it('is introspected, revoked and stepped up by tokens of the old home', async () => {
    const { homes, sessions } = await start();
    await move(homes, 'DB_APAC');
    const token = sessions[0].refresh_token;
    const introspect = async (token: string) =>
      (await homes.service.form('/oauth/introspect', { token }, homes.service.credentials)).json();
    expect(await introspect(sessions[0].access_token)).toMatchObject({ active: true });
    const stepped = await homes.post(`/v1/sessions/${sessions[0].session.id}/authentication`, {
      refresh_token: token,
    });
    expect(stepped.status).toBe(200);
    expect(homeOf((stepped.body as unknown as Tokens).refresh_token)).toBe('DB_APAC');
    await homes.service.form('/oauth/revoke', { token, client_id: APP });
    expect(await introspect(sessions[0].access_token)).toEqual({ active: false });
    expect(await livesIn(sessions[0].session.id)).toEqual([]);
  });

  it('signs in at the new home, moves on, and moves back', async () => {
    const { homes, sessions } = await start();
    let token = sessions[0].refresh_token;
    for (const home of ['DB_APAC', 'DB', 'DB_WEUR', 'DB_APAC', 'DB_WEUR'] as const) {
      expect((await move(homes, home)).body).toMatchObject({ moved: true });
      expect(homeOf((await create(homes, { user_id: USER }, FROM.tokyo)).refresh_token)).toBe(home);
      homes.service.advance(GRACE);
      const { status, body } = await homes.service.refresh(token);
      expect(status).toBe(200);
      token = body.refresh_token;
      await expectNoForks();
    }
    // Two moves behind.
    expect(await livesIn(sessions[1].session.id)).toEqual(['DB_WEUR']);
    expect((await homes.service.refresh(sessions[1].refresh_token)).status).toBe(200);
  });

  it('that is at home already, unknown, or sent to a home that takes nobody', async () => {
    const { homes } = await start();
    expect(await move(homes, 'DB_WEUR')).toMatchObject({ status: 200, body: { moved: false } });
    expect((await move(homes, 'DB_APAC', crypto.randomUUID())).status).toBe(404);
    const full = DESCRIBED.map((home) => ({
      ...home,
      new_users: home.home === 'DB' ? 'none' : 'any',
    }));
    const closed = await startThreeHomes({ HOMES: JSON.stringify(full) });
    expect(await move(closed, 'DB')).toMatchObject({
      status: 400,
      body: { detail: 'home takes no new users' },
    });
    expect((await homes.post(`/v1/users/${USER}/move`, { home: 'DB_MARS' })).status).toBe(400);
  });
});

describe('a move that is cut off', () => {
  // At the source: leave, read, strike. At the target: take.
  const cuts: [string, HomeName, (Fault | null)[]][] = [
    ['before it began', 'DB_WEUR', [{ before: AWAY.before }]],
    ['when its first answer was lost', 'DB_WEUR', [{ after: AWAY.before }]],
    ['before it read', 'DB_WEUR', [null, { before: AWAY.before }]],
    ['before it arrived', 'DB_APAC', [{ before: AWAY.before }]],
    ['when it had arrived and nobody heard', 'DB_APAC', [{ after: AWAY.before }]],
    ['before it was struck from the list', 'DB_WEUR', [null, null, { before: AWAY.before }]],
  ];
  const cut = async (name: HomeName, faults: (Fault | null)[]) => {
    const { homes, sessions } = await start();
    // The question of where the user lives comes first.
    homes.databases[name].faults = [null, ...faults];
    expect((await move(homes, 'DB_APAC')).status).toBe(503);
    return { homes, sessions };
  };

  it.each(cuts)('%s signs nobody out, and is live once', async (_, name, faults) => {
    const { homes, sessions } = await cut(name, faults);
    for (const { session, refresh_token } of sessions) {
      expect((await homes.service.refresh(refresh_token)).status).toBe(200);
      expect(await livesIn(session.id)).toHaveLength(1);
    }
  });

  it.each(cuts)('%s is finished, or begun again, by the next call', async (_, name, faults) => {
    const { homes, sessions } = await cut(name, faults);
    expect((await move(homes, 'DB_APAC')).status).toBe(200);
    for (const { session, refresh_token } of sessions) {
      expect(await livesIn(session.id)).toEqual(['DB_APAC']);
      expect((await homes.service.refresh(refresh_token)).status).toBe(200);
    }
    expect(await env.DB_WEUR.prepare('SELECT count(*) AS n FROM unfinished_moves').first('n')).toBe(
      0,
    );
  });

  it.each(cuts.slice(1))('%s is finished by the cron', async (_, name, faults) => {
    const { homes, sessions } = await cut(name, faults);
    await runScheduled(homes.service.env, homes.service.clock.now);
    const { n } =
      (await env.DB_WEUR.prepare('SELECT count(*) AS n FROM unfinished_moves').first<{
        n: number;
      }>()) ?? {};
    expect(n).toBe(0);
    for (const { session } of sessions) expect(await livesIn(session.id)).toHaveLength(1);
  });

  it.each(cuts.slice(1))('%s sends a sign-in to the one home', async (_, name, faults) => {
    const { homes, sessions } = await cut(name, faults);
    const { session, refresh_token } = await create(homes, { user_id: USER }, FROM.newYork);
    const home = homeOf(refresh_token);
    for (const id of [session.id, ...sessions.map((one) => one.session.id)])
      expect(await livesIn(id)).toEqual([home]);
  });

  it.each(cuts.slice(1))(
    '%s brings back nobody whom a backend signed out or erased meanwhile',
    async (_, name, faults) => {
      for (const path of ['/sessions', '']) {
        await emptyHomes();
        const { homes, sessions } = await cut(name, faults);
        homes.service.advance(1);
        const ended = await homes.service.backend('DELETE', `/v1/users/${USER}${path}`);
        expect(ended.ok).toBe(true);
        await runScheduled(homes.service.env, homes.service.clock.now);
        for (const { session, refresh_token } of sessions) {
          expect((await homes.service.refresh(refresh_token)).status).toBe(400);
          expect(await livesIn(session.id)).toEqual([]);
        }
      }
    },
  );
});

/** An isolate whose calls to a database may be held for long. */
const PATIENT = { D1_TIMEOUT_MS: '30000' };

it('a slow run that wakes after the user moved back changes nothing', async () => {
  const { homes, sessions } = await start();
  const slow = await startThreeHomes(PATIENT, homes.service.clock);
  // It has read what it is to copy, and writes it once it is let go.
  const held = holdCall();
  slow.databases.DB_APAC.faults = [null, held.fault];
  const late = move(slow, 'DB_APAC');
  await held.hasCome;
  // Meanwhile the user arrives in Asia by another's hand, uses a session, and goes back.
  const { body } = await homes.service.refresh(sessions[0].refresh_token);
  expect(homeOf(body.refresh_token)).toBe('DB_APAC');
  expect((await move(homes, 'DB_WEUR')).status).toBe(200);
  held.release();
  await late;
  expect(await livesIn(sessions[0].session.id)).toEqual(['DB_WEUR']);
  homes.service.advance(GRACE);
  expect((await homes.service.refresh(body.refresh_token)).status).toBe(200);
  await expectNoForks();
});

it('who is erased while a slow run holds their rows stays erased', async () => {
  const { homes, sessions } = await start(PATIENT);
  const held = holdCall();
  homes.databases.DB_APAC.faults = [null, held.fault];
  const late = move(homes, 'DB_APAC');
  await held.hasCome;
  const other = await startThreeHomes({}, homes.service.clock);
  expect((await other.service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
  held.release();
  await late;
  for (const { session } of sessions) expect(await livesIn(session.id)).toEqual([]);
  expect(await env.DB_APAC.prepare('SELECT count(*) AS n FROM users').first('n')).toBe(0);
});

it('who is signed out while a slow run holds their rows stays signed out, also when every note of it is purged', async () => {
  const { homes, sessions } = await start(PATIENT);
  homes.service.advance(1);
  const held = holdCall();
  homes.databases.DB_APAC.faults = [null, held.fault];
  const late = move(homes, 'DB_APAC');
  await held.hasCome;
  const other = await startThreeHomes({}, homes.service.clock);
  expect((await other.service.backend('DELETE', `/v1/users/${USER}/sessions`)).status).toBe(200);
  held.release();
  await late;
  homes.service.advance(3_600);
  await runScheduled(homes.service.env, homes.service.clock.now);
  for (const { session, refresh_token } of sessions) {
    expect((await homes.service.refresh(refresh_token)).status).toBe(400);
    expect(await livesIn(session.id)).toEqual([]);
  }
});

it('a session that begins while its user leaves begins in the new home', async () => {
  const { homes } = await start();
  const slow = await startThreeHomes(PATIENT, homes.service.clock);
  const held = holdCall();
  slow.databases.DB_WEUR.faults = [null, held.fault];
  const late = create(slow, { user_id: USER }, FROM.paris);
  await held.hasCome;
  expect((await move(homes, 'DB_APAC')).status).toBe(200);
  held.release();
  const { session, refresh_token } = await late;
  expect(homeOf(refresh_token)).toBe('DB_APAC');
  expect(await livesIn(session.id)).toEqual(['DB_APAC']);
});

it('people who use their sessions while they are moved around, with faults, lose none and fork none', async () => {
  const { homes } = await start();
  const faulty = (): Fault =>
    [
      { before: 'Network connection lost.' },
      { after: 'Network connection lost.' },
      AWAY,
      { after: AWAY.before },
      { hang: 20 },
    ][Math.floor(Math.random() * 5)] as Fault;
  const devices = await Promise.all(
    Array.from({ length: 8 }, () => create(homes, { user_id: USER }, FROM.paris)),
  );
  const latest = devices.map(({ refresh_token }) => refresh_token);
  let isMoving = true;
  const use = async (device: number) => {
    while (isMoving) {
      const { status, body } = await homes.service.refresh(latest[device] as string);
      expect([200, 503]).toContain(status);
      if (status === 200) latest[device] = body.refresh_token;
      homes.service.clock.now += 1_000;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const using = devices.map((_, device) => use(device));
  try {
    for (let round = 0; round < 40; round += 1) {
      for (const name of HOMES)
        if (Math.random() < 0.5) homes.databases[name].faults.push(faulty());
      await move(homes, HOMES[round % 3] as HomeName);
    }
  } finally {
    isMoving = false;
  }
  await Promise.all(using);
  for (const name of HOMES) homes.databases[name].faults = [];
  homes.service.advance(GRACE + 5);
  await runScheduled(homes.service.env, homes.service.clock.now);
  for (const [device, { session }] of devices.entries()) {
    expect((await homes.service.refresh(latest[device] as string)).status).toBe(200);
    expect(await livesIn(session.id)).toHaveLength(1);
  }
  await expectNoForks();
});

describe('draining a home', () => {
  const drained = (home: HomeName) =>
    JSON.stringify(
      DESCRIBED.map((one) => (one.home === home ? { ...one, new_users: 'none' } : one)),
    );

  it('moves everyone, users and guests, a call at a time, and their tokens stay good', async () => {
    const homes = await startThreeHomes();
    const tokens: Tokens[] = [];
    for (let i = 0; i < 7; i += 1)
      tokens.push(await create(homes, { user_id: crypto.randomUUID() }, FROM.paris));
    for (let i = 0; i < 4; i += 1) tokens.push(await create(homes, {}, FROM.paris));
    const after = await startThreeHomes({ HOMES: drained('DB_WEUR') }, homes.service.clock);
    let cursor: unknown = null;
    let moved = 0;
    do {
      const { status, body } = await after.post('/v1/homes/DB_WEUR/drain', { limit: 3, cursor });
      expect(status).toBe(200);
      moved += body.moved as number;
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(moved).toBe(11);
    after.service.advance(GRACE);
    for (const { session, refresh_token } of tokens) {
      // New York is nearer to Western Europe than Singapore is.
      expect(await livesIn(session.id)).toEqual(['DB']);
      expect((await after.service.refresh(refresh_token)).status).toBe(200);
    }
  });

  it('needs a home that takes nobody new', async () => {
    const homes = await startThreeHomes();
    expect((await homes.post('/v1/homes/DB_WEUR/drain', {})).status).toBe(400);
    expect((await homes.post('/v1/homes/DB_MARS/drain', {})).status).toBe(404);
  });
});

it('needs a client that may operate', async () => {
  const homes = await startThreeHomes();
  const basic = `Basic ${btoa('other-backend:other-secret-of-the-tests')}`;
  for (const [method, path] of [
    ['GET', '/v1/homes'],
    ['POST', `/v1/users/${USER}/move`],
    ['POST', '/v1/homes/DB/drain'],
    ['POST', '/v1/not-before'],
  ] as const) {
    const response = await homes.service.request(path, {
      method,
      headers: { authorization: basic, 'content-type': 'application/json' },
      ...(method === 'POST' && { body: '{}' }),
    });
    expect(response.status).toBe(403);
  }
});

it('signing out a user whose move was cut ends and reports their sessions where they arrive', async () => {
  const { homes } = await start();
  homes.service.advance(GRACE);
  await cutOnTheWay(homes, 'DB_APAC');
  const ended = await homes.service.backend('DELETE', `/v1/users/${USER}/sessions`);
  expect(await ended.json()).toEqual({ revoked: 2 });
  const log = await homes.service.backend('GET', `/v1/users/${USER}/events`);
  const { events } = (await log.json()) as { events: { type: string }[] };
  expect(events.filter(({ type }) => type === 'session_revoked')).toHaveLength(2);
});

it('a list of the sessions of a user whose move was cut shows them where they arrive', async () => {
  const { homes } = await start();
  homes.service.advance(GRACE);
  await cutOnTheWay(homes, 'DB_APAC');
  const listed = await homes.service.backend('GET', `/v1/users/${USER}/sessions`);
  const { sessions } = (await listed.json()) as { sessions: { id: string }[] };
  expect(sessions).toHaveLength(2);
  for (const { id } of sessions) expect(await livesIn(id)).toEqual(['DB_APAC']);
});

it('a list of the sessions of a user whose move cannot be finished names the home that is away', async () => {
  const { homes } = await start();
  homes.service.advance(GRACE);
  await cutOnTheWay(homes, 'DB_APAC');
  takeAway(homes.databases.DB_APAC);
  const listed = await homes.service.backend('GET', `/v1/users/${USER}/sessions`);
  expect(await listed.json()).toEqual({
    sessions: [],
    next_cursor: null,
    unanswered_homes: ['DB_APAC'],
  });
});

describe('moves that were cut, when the cron runs', () => {
  it('are finished where the home answers, whatever was to go first to one that does not', async () => {
    const { homes, sessions } = await start();
    const other = crypto.randomUUID();
    const { session } = await create(homes, { user_id: other }, FROM.paris);
    await cutOnTheWay(homes, 'DB_APAC');
    homes.service.advance(1);
    await cutOnTheWay(homes, 'DB', other);
    takeAway(homes.databases.DB_APAC);
    await expect(runScheduled(homes.service.env, homes.service.clock.now)).rejects.toThrow();
    expect(await livesIn(session.id)).toEqual(['DB']);
    homes.databases.DB_APAC.faults = [];
    await runScheduled(homes.service.env, homes.service.clock.now);
    expect(await livesIn(sessions[0].session.id)).toEqual(['DB_APAC']);
  });

  it('are an error in the log when nobody can finish them, because the home is not bound', async () => {
    const { homes } = await start();
    await env.DB_WEUR.prepare(
      "INSERT INTO unfinished_moves (subject, home, started_at) VALUES ('x', 'DB_GONE', 0)",
    ).run();
    await runScheduled(homes.service.env, homes.service.clock.now);
    const line = {
      event: 'scheduled',
      home: 'DB_WEUR',
      level: 'error',
      moves: { finished: 0, lost: 1 },
    };
    expect(log.lines).toContainEqual(expect.objectContaining(line));
  });
});
