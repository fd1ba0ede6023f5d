/**
 * A database that was restored to an earlier point brings back sessions that were revoked since,
 * and tokens that were rotated (Time Travel). One write, a not-before, ends all
 * that began before it.
 */
import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { verifierOf } from '../client/verifier';
import { START } from '../fixtures';
import { takeBackup } from './backup';
import { beginEmpty, create, expectNoForks, FROM, livesIn, startThreeHomes } from './three-homes';

const [ANNA, BEN] = [
  '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11',
  '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c12',
];
const GRACE = 30;

beginEmpty();

/** A restore after Anna was signed out, Ben refreshed, and someone signed in. */
async function restored() {
  const homes = await startThreeHomes({ ACCESS_TOKEN_TTL_SECONDS: '3600' });
  const [anna, ben] = [
    await create(homes, { user_id: ANNA }, FROM.paris),
    await create(homes, { user_id: BEN }, FROM.paris),
  ];
  const elsewhere = await create(homes, {}, FROM.tokyo);
  const restore = await takeBackup(env.DB_WEUR);
  homes.service.advance(GRACE);
  await homes.service.backend('DELETE', `/v1/users/${ANNA}/sessions`);
  const { body: later } = await homes.service.refresh(ben.refresh_token);
  homes.service.advance(10 * GRACE);
  await restore();
  return { homes, anna, ben, later, elsewhere };
}

it('a restore alone would bring back who was signed out, and tokens that were rotated', async () => {
  const { homes, anna, ben } = await restored();
  expect((await homes.service.refresh(anna.refresh_token)).status).toBe(200);
  expect((await homes.service.refresh(ben.refresh_token)).status).toBe(200);
});

describe('a not-before', () => {
  it('of the home, one row, ends all that began before, in no further round trip, and nothing elsewhere', async () => {
    const { homes, anna, ben, later, elsewhere } = await restored();
    const written = homes.databases.DB_WEUR.rowsWritten;
    expect((await homes.post('/v1/not-before', { home: 'DB_WEUR' })).status).toBe(200);
    // The row, its primary key, and the indexes that the clean-up and the revocation list go by;
    // the audit event, and its three.
    expect(homes.databases.DB_WEUR.rowsWritten - written).toBe(4 + 4);
    await homes.service.request('/.well-known/jwks.json');
    homes.roundTrips();
    for (const { refresh_token } of [anna, ben, later]) {
      const { status, body } = await homes.service.refresh(refresh_token);
      expect({ status, reason: body.reason }).toEqual({ status: 400, reason: 'revoked' });
    }
    expect(homes.roundTrips().DB_WEUR).toBe(3);
    expect((await homes.service.refresh(elsewhere.refresh_token)).status).toBe(200);
    const list = await homes.service.backend('GET', `/v1/users/${ANNA}/sessions`);
    expect(await list.json()).toMatchObject({ sessions: [] });
    expect((await homes.service.bearer('GET', '/v1/sessions', later.access_token)).status).toBe(
      401,
    );
  });

  it('leaves what begins from then on alone, and costs a refresh of it one round trip', async () => {
    const { homes } = await restored();
    await homes.post('/v1/not-before', { home: 'DB_WEUR' });
    const { refresh_token } = await create(homes, { user_id: ANNA });
    homes.service.advance(GRACE);
    homes.roundTrips();
    expect((await homes.service.refresh(refresh_token)).status).toBe(200);
    expect(homes.roundTrips()).toEqual({ DB: 0, DB_APAC: 0, DB_WEUR: 1 });
  });

  it('of a user ends that user alone; of everyone, everyone', async () => {
    const { homes, anna, ben, elsewhere } = await restored();
    await homes.post('/v1/not-before', { user_id: ANNA });
    expect((await homes.service.refresh(anna.refresh_token)).status).toBe(400);
    expect((await homes.service.refresh(ben.refresh_token)).status).toBe(200);
    await homes.post('/v1/not-before', { everyone: true });
    expect((await homes.service.refresh(ben.refresh_token)).status).toBe(400);
    expect((await homes.service.refresh(elsewhere.refresh_token)).status).toBe(400);
  });

  it('may be of an earlier time, never of a later one; a later one stays', async () => {
    const { homes, anna } = await restored();
    const now = homes.service.clock.now / 1000;
    expect(
      (await homes.post('/v1/not-before', { everyone: true, not_before: now + 1 })).status,
    ).toBe(400);
    await homes.post('/v1/not-before', { user_id: ANNA });
    await homes.post('/v1/not-before', { user_id: ANNA, not_before: 1 });
    expect((await homes.service.refresh(anna.refresh_token)).status).toBe(400);
    await homes.post('/v1/not-before', { user_id: BEN, not_before: 1 });
  });

  it('is told to verifiers, which refuse the access tokens of that home', async () => {
    const { homes, later, elsewhere } = await restored();
    const fresh = await homes.service.refresh(elsewhere.refresh_token);
    await homes.post('/v1/not-before', { home: 'DB_WEUR' });
    homes.service.advance(1);
    const verifier = verifierOf(homes.service, { revocations: {} });
    expect(await verifier.verify(later.access_token)).toMatchObject({
      ok: false,
      description: 'The session of this access token is over',
    });
    expect(await verifier.verify(fresh.body.access_token)).toMatchObject({ ok: true });
  });

  it.each([
    ['lasted longer under yesterday’s configuration', { SESSION_LIFETIME_SECONDS: '8640000' }],
    [
      'have no end by time',
      { SESSION_LIFETIME_SECONDS: '0', INACTIVITY_TIMEOUT_SECONDS: '8640000' },
    ],
  ])('of a user, and of a home, outlives sessions that %s', async (_, yesterday) => {
    const former = await startThreeHomes({ INACTIVITY_TIMEOUT_SECONDS: '8640000', ...yesterday });
    const [anna, ben] = [
      await create(former, { user_id: ANNA }, FROM.paris),
      await create(former, { user_id: BEN }, FROM.tokyo),
    ];
    const homes = await startThreeHomes(
      { INACTIVITY_TIMEOUT_SECONDS: '8640000', SESSION_LIFETIME_SECONDS: '3600' },
      former.service.clock,
    );
    homes.service.advance(GRACE);
    await homes.post('/v1/not-before', { user_id: ANNA });
    await homes.post('/v1/not-before', { home: 'DB_APAC' });
    for (const days of [1, 50]) {
      homes.service.advance(days * 86_400);
      await runScheduled(homes.service.env, homes.service.clock.now);
      for (const { refresh_token } of [anna, ben])
        expect((await homes.service.refresh(refresh_token)).body.reason).toBe('revoked');
    }
    const list = await homes.service.request('/.well-known/revoked-sessions');
    // No access token from before it is left, so verifiers are not told of it any more.
    expect(JSON.stringify(await list.json())).not.toContain(String(START / 1000 + GRACE));
  });

  it('of a release before, which gave it an end, outlives sessions that lasted longer', async () => {
    const days = { INACTIVITY_TIMEOUT_SECONDS: '8640000', SESSION_LIFETIME_SECONDS: '8640000' };
    const homes = await startThreeHomes(days);
    const [anna, guest, ben] = [
      await create(homes, { user_id: ANNA }, FROM.paris),
      await create(homes, {}, FROM.paris),
      await create(homes, { user_id: BEN }, FROM.tokyo),
    ];
    homes.service.advance(GRACE);
    const now = homes.service.clock.now / 1000;
    const insertOld = (home: D1Database, subject: string) =>
      home.prepare('INSERT INTO outdated_tokens VALUES (?, ?, ?)').bind(subject, now, now + 3_600);
    await insertOld(env.DB_WEUR, ANNA).run();
    await insertOld(env.DB_WEUR, guest.session.id).run();
    await insertOld(env.DB_APAC, '*').run();
    const later = await create(homes, { user_id: ANNA }, FROM.paris);
    for (const seconds of [0, 3_600, 86_400]) {
      homes.service.advance(seconds);
      await runScheduled(homes.service.env, homes.service.clock.now);
      for (const { refresh_token } of [anna, guest, ben])
        expect((await homes.service.refresh(refresh_token)).body.reason).toBe('revoked');
    }
    expect((await homes.service.refresh(later.refresh_token)).status).toBe(200);
    const { results } = await env.DB_WEUR.prepare('SELECT subject FROM outdated_tokens').all();
    expect(results).toEqual([]);
  });

  it('of a user who was signed out everywhere keeps ended what a slow request began then', async () => {
    const homes = await startThreeHomes();
    const slow = await startThreeHomes({}, { now: homes.service.clock.now });
    await create(homes, { user_id: ANNA }, FROM.paris);
    homes.service.advance(5);
    await homes.service.backend('DELETE', `/v1/users/${ANNA}/sessions`);
    const late = await create(slow, { user_id: ANNA }, FROM.paris);
    const access = () => homes.service.bearer('GET', '/v1/sessions/current', late.access_token);
    expect((await homes.service.refresh(late.refresh_token)).body.reason).toBe('revoked');
    expect((await access()).status).toBe(401);
    homes.service.advance(3_600);
    await runScheduled(homes.service.env, homes.service.clock.now);
    expect((await homes.service.refresh(late.refresh_token)).body.reason).toBe('revoked');
    expect(await livesIn(late.session.id)).toEqual([]);
  });

  it('of a user who is erased goes with its person', async () => {
    const homes = await startThreeHomes();
    await create(homes, { user_id: ANNA }, FROM.paris);
    await homes.post('/v1/not-before', { user_id: ANNA });
    await homes.service.backend('DELETE', `/v1/users/${ANNA}`);
    homes.service.advance(3_600);
    await runScheduled(homes.service.env, homes.service.clock.now);
    const { results } = await env.DB_WEUR.prepare('SELECT subject FROM outdated_tokens').all();
    expect(results).toEqual([]);
  });

  it('outlives the clean-up for as long as a session could', async () => {
    const { homes, anna } = await restored();
    await homes.post('/v1/not-before', { home: 'DB_WEUR' });
    homes.service.advance(10 * 86_400);
    await runScheduled(homes.service.env, homes.service.clock.now);
    expect(
      await env.DB_WEUR.prepare(
        "SELECT count(*) AS n FROM outdated_tokens WHERE subject = '*'",
      ).first('n'),
    ).toBe(1);
    expect((await homes.service.refresh(anna.refresh_token)).status).toBe(400);
  });

  it('holds for whoever had moved away before the restore: they live in the other home, once', async () => {
    const homes = await startThreeHomes();
    const anna = await create(homes, { user_id: ANNA }, FROM.paris);
    const ended = await create(homes, { user_id: ANNA }, FROM.paris);
    const restore = await takeBackup(env.DB_WEUR);
    await homes.post(`/v1/users/${ANNA}/move`, { home: 'DB_APAC' });
    // Ended and purged since.
    await env.DB_APAC.prepare('DELETE FROM user_sessions WHERE id = ?')
      .bind(ended.session.id)
      .run();
    homes.service.advance(GRACE);
    const moved = await homes.service.refresh(anna.refresh_token);
    await restore();
    await homes.post('/v1/not-before', { home: 'DB_WEUR' });
    homes.service.advance(GRACE);
    expect((await homes.service.refresh(moved.body.refresh_token)).status).toBe(200);
    expect((await homes.service.refresh(anna.refresh_token)).status).toBe(400);
    // The next sign-in settles where the user lives.
    await create(homes, { user_id: ANNA }, FROM.paris);
    expect(await livesIn(anna.session.id)).toEqual(['DB_APAC']);
    expect(await livesIn(ended.session.id)).toEqual([]);
    expect((await homes.service.refresh(ended.refresh_token)).status).toBe(400);
    await expectNoForks();
  });
});
