/**
 * Homes: where people begin, that a refresh asks one home, and what happens when one does not
 * answer.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { verifierOf } from '../client/verifier';
import { APP, AUDIENCE, ISSUER, START, startService, type Tokens } from '../fixtures';
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
  startThreeHomes,
  type ThreeHomes,
  takeAway,
} from './three-homes';

const GRACE = 30;

const log = beginEmpty();

describe('a new user', () => {
  it.each([
    ['paris', 'DB_WEUR'],
    ['tokyo', 'DB_APAC'],
    ['newYork', 'DB'],
  ] as const)('from %s begins in %s', async (place, home) => {
    const homes = await startThreeHomes();
    const { access_token, refresh_token } = await create(homes, { user_id: USER }, FROM[place]);
    expect(homeOf(refresh_token)).toBe(home);
    expect(decodeJwt(access_token).home).toBe(home);
  });

  it('from nowhere that is known begins in the default home', async () => {
    const homes = await startThreeHomes();
    expect(homeOf((await create(homes, {})).refresh_token)).toBe('DB');
  });

  it('begins where the backend says', async () => {
    const homes = await startThreeHomes();
    const { refresh_token } = await create(homes, { user_id: USER, home: 'DB_WEUR' }, FROM.tokyo);
    expect(homeOf(refresh_token)).toBe('DB_WEUR');
  });

  it('begins in no home that takes nobody, even when a backend names it', async () => {
    const HOMES = JSON.stringify(
      DESCRIBED.map((home) => ({ ...home, new_users: home.home === 'DB' ? 'any' : 'none' })),
    );
    const homes = await startThreeHomes({ HOMES });
    expect(homeOf((await create(homes, { user_id: USER }, FROM.tokyo)).refresh_token)).toBe('DB');
    const answer = await homes.post('/v1/sessions', {
      user_id: crypto.randomUUID(),
      client_id: APP,
      home: 'DB_APAC',
    });
    expect(answer).toMatchObject({ status: 400, body: { detail: 'home takes no new users' } });
  });

  it('begins in a home for those who are named only when a backend names it', async () => {
    const HOMES = JSON.stringify([
      { home: 'DB', regions: ['apac'] },
      { home: 'DB_APAC', regions: ['apac'], new_users: 'named' },
    ]);
    const homes = await startThreeHomes({ HOMES });
    for (let i = 0; i < 20; i += 1)
      expect(homeOf((await create(homes, {}, FROM.tokyo)).refresh_token)).toBe('DB');
    expect(homeOf((await create(homes, { home: 'DB_APAC' })).refresh_token)).toBe('DB_APAC');
  });

  it('shares a region between its homes by the hash of the id: another home takes its share, and nobody moves otherwise', async () => {
    const shared = (names: string[]) =>
      JSON.stringify(names.map((home) => ({ home, regions: ['weur'] })));
    const two = await startThreeHomes({ HOMES: shared(['DB', 'DB_WEUR']) });
    const three = await startThreeHomes({ HOMES: shared(['DB', 'DB_WEUR', 'DB_APAC']) });
    const counts = { DB: 0, DB_APAC: 0, DB_WEUR: 0 };
    for (let i = 0; i < 60; i += 1) {
      const body = { user_id: crypto.randomUUID() };
      const before = homeOf((await create(two, body, FROM.paris)).refresh_token);
      await emptyHomes();
      const after = homeOf((await create(three, body, FROM.paris)).refresh_token) as HomeName;
      await emptyHomes();
      counts[after] += 1;
      if (after !== 'DB_APAC') expect(after).toBe(before);
    }
    for (const name of HOMES) expect(counts[name]).toBeGreaterThan(6);
  });
});

describe('a known user', () => {
  it('comes home, from wherever the request is', async () => {
    const homes = await startThreeHomes();
    await create(homes, { user_id: USER }, FROM.paris);
    expect(homeOf((await create(homes, { user_id: USER }, FROM.tokyo)).refresh_token)).toBe(
      'DB_WEUR',
    );
    expect(
      homeOf((await create(homes, { user_id: USER, home: 'DB_WEUR' }, FROM.tokyo)).refresh_token),
    ).toBe('DB_WEUR');
  });

  it('is not begun anew in another home that a backend names', async () => {
    const homes = await startThreeHomes();
    await create(homes, { user_id: USER }, FROM.paris);
    const answer = await homes.post('/v1/sessions', {
      user_id: USER,
      client_id: APP,
      home: 'DB_APAC',
    });
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'user_has_other_home', home: 'DB_WEUR' },
    });
  });

  it('is not begun anew while the home is silent that may know them; guests still are', async () => {
    const homes = await startThreeHomes();
    await create(homes, { user_id: USER }, FROM.paris);
    takeAway(homes.databases.DB_WEUR);
    const answer = await homes.post('/v1/sessions', { user_id: USER, client_id: APP }, FROM.tokyo);
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'database_unavailable', homes: ['DB_WEUR'] },
    });
    expect(homeOf((await create(homes, {}, FROM.tokyo)).refresh_token)).toBe('DB_APAC');
  });

  it('signs in at home while another home is silent', async () => {
    const homes = await startThreeHomes();
    await create(homes, { user_id: USER }, FROM.paris);
    takeAway(homes.databases.DB_APAC);
    expect(homeOf((await create(homes, { user_id: USER }, FROM.tokyo)).refresh_token)).toBe(
      'DB_WEUR',
    );
  });

  it('keeps to the limit, which is of the user and not of a home', async () => {
    const homes = await startThreeHomes({ MAX_SESSIONS_PER_USER: '2' });
    for (const place of [FROM.paris, FROM.tokyo, FROM.newYork])
      await create(homes, { user_id: USER }, place);
    const listed = await homes.service.backend('GET', `/v1/users/${USER}/sessions`);
    expect(((await listed.json()) as { sessions: unknown[] }).sessions).toHaveLength(2);
  });
});

describe('two first sign-ins at once in two regions', () => {
  it('come to the same home for everyone afterwards, and neither session is lost', async () => {
    for (let round = 0; round < 10; round += 1) {
      await emptyHomes();
      const [paris, tokyo] = [await startThreeHomes(), await startThreeHomes()];
      const user = crypto.randomUUID();
      const both = await Promise.all([
        create(paris, { user_id: user }, FROM.paris),
        create(tokyo, { user_id: user }, FROM.tokyo),
      ]);
      const third = await create(paris, { user_id: user }, FROM.newYork);
      const fourth = await create(tokyo, { user_id: user }, FROM.tokyo);
      expect(homeOf(fourth.refresh_token)).toBe(homeOf(third.refresh_token));
      paris.service.advance(GRACE);
      for (const { refresh_token } of both) {
        const { status, body } = await paris.service.refresh(refresh_token);
        expect(status).toBe(200);
        expect(homeOf(body.refresh_token)).toBe(homeOf(third.refresh_token));
      }
      const listed = await paris.service.backend('GET', `/v1/users/${user}/sessions`);
      expect(((await listed.json()) as { sessions: unknown[] }).sessions).toHaveLength(4);
      await expectNoForks();
    }
  });

  it('are no way past the limit', async () => {
    for (let round = 0; round < 10; round += 1) {
      await emptyHomes();
      const options = { MAX_SESSIONS_PER_USER: '1' };
      const [paris, tokyo] = [await startThreeHomes(options), await startThreeHomes(options)];
      const user = crypto.randomUUID();
      await Promise.all([
        create(paris, { user_id: user }, FROM.paris),
        create(tokyo, { user_id: user }, FROM.tokyo),
      ]);
      const listed = await paris.service.backend('GET', `/v1/users/${user}/sessions`);
      expect(((await listed.json()) as { sessions: unknown[] }).sessions).toHaveLength(1);
    }
  });

  it('whose rows were written by hand end the same way: the first row, then the first name', async () => {
    const insert = (name: HomeName, createdAt: number) =>
      env[name]
        .prepare('INSERT INTO users (id, created_at) VALUES (?, ?)')
        .bind(USER, createdAt)
        .run();
    const second = START / 1000;
    for (const [apac, weur, expected] of [
      [second - 5, second - 9, 'DB_WEUR'],
      [second - 9, second - 5, 'DB_APAC'],
      [second - 5, second - 5, 'DB_APAC'],
    ] as const) {
      await emptyHomes();
      await Promise.all([insert('DB_APAC', apac), insert('DB_WEUR', weur)]);
      const homes = await startThreeHomes();
      expect(homeOf((await create(homes, { user_id: USER }, FROM.newYork)).refresh_token)).toBe(
        expected,
      );
    }
  });
});

describe('a refresh', () => {
  it('asks the home of its token alone, once, and writes one row', async () => {
    const homes = await startThreeHomes();
    const { refresh_token } = await create(homes, { user_id: USER }, FROM.paris);
    homes.service.advance(GRACE);
    homes.roundTrips();
    const written = homes.databases.DB_WEUR.rowsWritten;
    expect((await homes.service.refresh(refresh_token, APP, { cf: FROM.tokyo })).status).toBe(200);
    expect(homes.roundTrips()).toEqual({ DB: 0, DB_APAC: 0, DB_WEUR: 1 });
    expect(homes.databases.DB_WEUR.rowsWritten - written).toBe(1);
  });

  it('in a new isolate reads the signing keys from the same home', async () => {
    const first = await startThreeHomes();
    const { refresh_token } = await create(first, { user_id: USER }, FROM.paris);
    await runScheduled(first.service.env, first.service.clock.now);
    first.service.advance(GRACE);
    const fresh = await startThreeHomes({}, first.service.clock);
    // Past what it has cached of the keys.
    fresh.service.advance(301);
    fresh.roundTrips();
    expect((await fresh.service.refresh(refresh_token)).status).toBe(200);
    expect(fresh.roundTrips()).toEqual({ DB: 0, DB_APAC: 0, DB_WEUR: 2 });
  });

  it('is not slowed or stopped by another home that is away', async () => {
    const homes = await startThreeHomes();
    const { refresh_token } = await create(homes, { user_id: USER }, FROM.paris);
    await runScheduled(homes.service.env, homes.service.clock.now);
    takeAway(homes.databases.DB);
    takeAway(homes.databases.DB_APAC);
    homes.service.advance(GRACE);
    const { status, body } = await homes.service.refresh(refresh_token);
    expect(status).toBe(200);
    // What it had cached of the keys is old by now.
    homes.service.advance(GRACE + 301);
    expect((await homes.service.refresh(body.refresh_token)).status).toBe(200);
  });

  it('is 503 while its own home is away, and good when that is back', async () => {
    const homes = await startThreeHomes();
    const { refresh_token } = await create(homes, { user_id: USER }, FROM.paris);
    homes.service.advance(GRACE);
    takeAway(homes.databases.DB_WEUR, 1);
    const { status, headers } = await homes.service.refresh(refresh_token);
    expect({ status, retryAfter: headers.get('retry-after') }).toEqual({
      status: 503,
      retryAfter: '1',
    });
    expect((await homes.service.refresh(refresh_token)).status).toBe(200);
  });

  it('of a home that is not bound any more is invalid_grant, and loud', async () => {
    const homes = await startThreeHomes();
    const { refresh_token } = await create(homes, { user_id: USER }, FROM.paris);
    const alone = await startThreeHomes();
    delete (alone.service.env as { DB_WEUR?: unknown }).DB_WEUR;
    const { createApp } = await import('../../src/http/app');
    const service = { ...alone.service.env, HOMES: '[]' };
    const app = createApp(service, () => START);
    const form = { grant_type: 'refresh_token', refresh_token, client_id: APP };
    const response = await app.request(`${ISSUER}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'The refresh token is not valid',
    });
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'error', event: 'unknown_home' }),
    );
  });
});

it('a token of a home that is not bound any more is loud on each route that takes it', async () => {
  const homes = await startThreeHomes();
  const tokens = await create(homes, { user_id: USER }, FROM.paris);
  const { access_token, refresh_token, session } = tokens;
  const bound = { DB: homes.service.env.DB, CLIENTS: homes.service.env.CLIENTS ?? '' };
  const service = await startService(bound);
  const { credentials } = service;
  const bearer = { authorization: `Bearer ${access_token}` };
  const json = { ...credentials, 'content-type': 'application/json' };
  const exchange = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: access_token,
    resource: AUDIENCE,
  };
  const stepUp = { method: 'POST', headers: json, body: JSON.stringify({ refresh_token }) };
  const revoke = (token: string) => service.form('/oauth/revoke', { token, client_id: APP });
  const introspect = (token: string) => service.form('/oauth/introspect', { token }, credentials);
  const asked: [string, () => Promise<Response>][] = [
    ['own sessions', () => service.request('/v1/sessions', { headers: bearer })],
    [
      'sign-out',
      () => service.request('/v1/sessions/current', { method: 'DELETE', headers: bearer }),
    ],
    ['a gateway', () => service.request('/verify', { headers: bearer })],
    ['introspection of an access token', () => introspect(access_token)],
    ['introspection of a refresh token', () => introspect(refresh_token)],
    ['revocation by an access token', () => revoke(access_token)],
    ['revocation by a refresh token', () => revoke(refresh_token)],
    ['exchange', () => service.form('/oauth/token', exchange, credentials)],
    ['step-up', () => service.request(`/v1/sessions/${session.id}/authentication`, stepUp)],
  ];
  for (const [route, ask] of asked) {
    log.lines = [];
    const response = await ask();
    expect([
      route,
      response.status < 500,
      log.lines.filter(({ level }) => level === 'error'),
    ]).toEqual([
      route,
      true,
      [{ level: 'error', event: 'unknown_home', request_id: expect.any(String) }],
    ]);
  }
});

describe('what does not know the home', () => {
  const spread = async (homes: ThreeHomes) => {
    const tokens = await create(homes, { user_id: USER, home: 'DB_WEUR' });
    // A second home, as two sign-ins at once leave it for a moment.
    await env.DB_APAC.batch([
      env.DB_APAC.prepare('INSERT INTO users (id, created_at) VALUES (?, ?)').bind(
        USER,
        START / 1000,
      ),
      env.DB_APAC.prepare(
        'INSERT INTO user_sessions (id, user_id, refresh_token, client_id, created_at) VALUES (?, ?, ?, ?, ?)',
      ).bind(crypto.randomUUID(), USER, 'x', APP, START / 1000 + 1),
    ]);
    homes.service.advance(2);
    return tokens;
  };

  it('lists the sessions of all homes, in pages', async () => {
    const homes = await startThreeHomes();
    await spread(homes);
    const read = async (query: string) =>
      (await (await homes.service.backend('GET', `/v1/users/${USER}/sessions${query}`)).json()) as {
        sessions: { id: string }[];
        next_cursor: string | null;
      };
    const all = await read('');
    expect(all.sessions).toHaveLength(2);
    expect(all.next_cursor).toBeNull();
    const first = await read('?limit=1');
    const second = await read(`?limit=1&cursor=${first.next_cursor}`);
    expect([...first.sessions, ...second.sessions]).toEqual(all.sessions);
    expect(second.next_cursor).toBeNull();
  });

  it('lists what it has, and says which home did not answer', async () => {
    const homes = await startThreeHomes();
    await spread(homes);
    takeAway(homes.databases.DB_APAC);
    for (const path of ['sessions', 'events']) {
      const response = await homes.service.backend('GET', `/v1/users/${USER}/${path}`);
      expect(response.status).toBe(200);
      const body = (await response.json()) as Record<string, unknown[]>;
      expect(body.unanswered_homes).toEqual(['DB_APAC']);
      expect(body[path]).toHaveLength(1);
    }
  });

  it('is 503 when none answers', async () => {
    const homes = await startThreeHomes();
    for (const name of HOMES) takeAway(homes.databases[name]);
    expect((await homes.service.backend('GET', `/v1/users/${USER}/sessions`)).status).toBe(503);
  });

  it('signs out in all homes, and what did not reach one is an error that names it, to be repeated', async () => {
    const homes = await startThreeHomes();
    const { refresh_token } = await spread(homes);
    // When it is asked whether anyone is on the way, and when it is to end sessions.
    homes.databases.DB_WEUR.faults = [AWAY, AWAY];
    const failed = await homes.service.backend('DELETE', `/v1/users/${USER}/sessions`);
    expect(failed.status).toBe(503);
    expect(failed.headers.get('retry-after')).toBe('1');
    expect(await failed.json()).toMatchObject({ code: 'database_unavailable', homes: ['DB_WEUR'] });
    const repeated = await homes.service.backend('DELETE', `/v1/users/${USER}/sessions`);
    expect(await repeated.json()).toEqual({ revoked: 1 });
    homes.service.advance(GRACE);
    expect((await homes.service.refresh(refresh_token)).body).toMatchObject({ reason: 'revoked' });
  });

  it('erases in all homes', async () => {
    const homes = await startThreeHomes();
    await spread(homes);
    homes.databases.DB_APAC.faults = [AWAY];
    const failed = await homes.service.backend('DELETE', `/v1/users/${USER}`);
    expect(failed.status).toBe(503);
    expect(await failed.json()).toMatchObject({ homes: ['DB_APAC'] });
    expect((await homes.service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
    for (const name of HOMES) {
      const { results } = await env[name].prepare('SELECT type FROM session_events').all();
      // What is left says that somebody was erased.
      expect(new Set(results.map(({ type }) => type))).toEqual(new Set(['user_erased']));
      for (const table of ['users', 'user_sessions'])
        expect(await env[name].prepare(`SELECT count(*) AS n FROM ${table}`).first('n')).toBe(0);
    }
  });

  it('lists the events of all homes, each once, newest first, whatever the size of the pages', async () => {
    const homes = await startThreeHomes();
    for (const home of HOMES) {
      for (let i = 0; i < 4; i += 1) {
        await env[home]
          .prepare(
            "INSERT INTO session_events (id, type, subject, session_id, created_at) VALUES (?, 'session_created', ?, 's', ?)",
          )
          .bind(crypto.randomUUID(), USER, START / 1000 + i * 10 + HOMES.indexOf(home))
          .run();
      }
    }
    const read = async (query: string) =>
      (await (await homes.service.backend('GET', `/v1/users/${USER}/events${query}`)).json()) as {
        events: { id: string; created_at: string }[];
        next_cursor: string | null;
      };
    const all = (await read('?limit=100')).events;
    expect(all).toHaveLength(12);
    expect(all.map(({ created_at }) => created_at)).toEqual(
      [...all.map(({ created_at }) => created_at)].sort().reverse(),
    );
    for (const limit of [1, 2, 5]) {
      const seen: unknown[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: Awaited<ReturnType<typeof read>> = await read(
          `?limit=${limit}${cursor && `&cursor=${cursor}`}`,
        );
        seen.push(...page.events);
        cursor = page.next_cursor;
      }
      expect(seen).toEqual(all);
    }
  });

  it('tells verifiers of every home, and says when the list lacks one', async () => {
    const homes = await startThreeHomes();
    for (const home of HOMES) {
      const { access_token } = await create(homes, { home });
      await homes.service.bearer('DELETE', '/v1/sessions/current', access_token);
    }
    const read = async () =>
      (await (await homes.service.request('/.well-known/revoked-sessions')).json()) as {
        sessions: string[];
        complete: boolean;
      };
    expect(await read()).toMatchObject({ complete: true });
    expect((await read()).sessions).toHaveLength(3);
    homes.databases.DB_APAC.faults = [AWAY];
    homes.service.advance(10);
    const partial = await read();
    expect(partial.complete).toBe(false);
    expect(partial.sessions).toHaveLength(2);
  });
});

describe('a guest who becomes a user', () => {
  it('of another home comes along to it, in the one transaction that ends the guest session', async () => {
    const homes = await startThreeHomes();
    const guest = await create(homes, {}, FROM.tokyo);
    await create(homes, { user_id: USER }, FROM.paris);
    const { refresh_token } = await create(
      homes,
      { user_id: USER, guest_session_id: guest.session.id },
      FROM.tokyo,
    );
    expect(homeOf(refresh_token)).toBe('DB_WEUR');
    homes.service.advance(GRACE);
    const { body } = await homes.service.refresh(guest.refresh_token);
    expect(body).toMatchObject({
      error: 'invalid_grant',
      reason: 'revoked',
    });
  });

  it('whom no home knows begins where the guest was', async () => {
    const homes = await startThreeHomes();
    const guest = await create(homes, {}, FROM.tokyo);
    const { refresh_token } = await create(
      homes,
      { user_id: USER, guest_session_id: guest.session.id },
      FROM.paris,
    );
    expect(homeOf(refresh_token)).toBe('DB_APAC');
  });
});

describe('an idempotency key', () => {
  it('is known in all homes: a repeat from elsewhere gives the same session', async () => {
    const homes = await startThreeHomes();
    const send = async (cf: object) => {
      const request = new Request(`${ISSUER}/v1/sessions`, {
        method: 'POST',
        body: JSON.stringify({ client_id: APP }),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': 'key',
          ...homes.service.credentials,
        },
        cf,
      } as RequestInit);
      return (await homes.service.app.request(request)).json() as Promise<Tokens>;
    };
    const [first, repeated] = [await send(FROM.paris), await send(FROM.tokyo)];
    expect(repeated.session.id).toBe(first.session.id);
    expect(repeated.refresh_token).toBe(first.refresh_token);
  });
});

describe('the cron', () => {
  it('cleans every home, and one that is away stops no other', async () => {
    const homes = await startThreeHomes();
    for (const home of HOMES) await create(homes, { home, expires_in: 1 });
    homes.service.advance(8 * 86_400);
    takeAway(homes.databases.DB_APAC);
    await expect(runScheduled(homes.service.env, homes.service.clock.now)).rejects.toThrow();
    const left = async (name: HomeName) =>
      env[name].prepare('SELECT count(*) AS n FROM user_sessions').first('n');
    expect(await Promise.all(HOMES.map(left))).toEqual([0, 1, 0]);
    const outcomes = log.lines
      .filter(({ event }) => event === 'scheduled')
      .map(({ home, level }) => [home, level]);
    expect(outcomes.sort()).toEqual([
      ['DB', 'info'],
      ['DB_APAC', 'error'],
      ['DB_WEUR', 'info'],
    ]);
    homes.databases.DB_APAC.faults = [];
    await runScheduled(homes.service.env, homes.service.clock.now);
    expect(await left('DB_APAC')).toBe(0);
  });

  it('makes signing keys in one home and copies them to the others, so that one JWKS verifies all', async () => {
    const homes = await startThreeHomes();
    await runScheduled(homes.service.env, homes.service.clock.now);
    const kids = async (name: HomeName) =>
      (
        await env[name]
          .prepare('SELECT kid, private_key FROM signing_keys ORDER BY generation')
          .all()
      ).results;
    expect(await kids('DB_WEUR')).toEqual(await kids('DB'));
    const verifier = verifierOf(homes.service);
    for (const home of HOMES) {
      const { access_token } = await create(homes, { home });
      expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
    }
  });
});

it('the signing keys are read from another home while the one that makes them is away', async () => {
  const homes = await startThreeHomes();
  await runScheduled(homes.service.env, homes.service.clock.now);
  const read = async () => (await homes.service.request('/.well-known/jwks.json')).json();
  const before = await read();
  homes.service.advance(301);
  takeAway(homes.databases.DB);
  expect(await read()).toEqual(before);
});

describe('operators', () => {
  it('see the homes, and which one answers', async () => {
    const homes = await startThreeHomes();
    homes.databases.DB_WEUR.faults = [AWAY];
    const response = await homes.service.backend('GET', '/v1/homes');
    expect(await response.json()).toEqual({
      homes: [
        {
          home: 'DB',
          regions: ['enam'],
          jurisdiction: null,
          new_users: 'any',
          answers: true,
          unfinished_moves: 0,
        },
        {
          home: 'DB_APAC',
          regions: ['apac'],
          jurisdiction: null,
          new_users: 'any',
          answers: true,
          unfinished_moves: 0,
        },
        {
          home: 'DB_WEUR',
          regions: ['weur', 'eeur'],
          jurisdiction: null,
          new_users: 'any',
          answers: false,
          unfinished_moves: null,
        },
      ],
    });
  });
});
