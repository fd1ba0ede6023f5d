/** A verifier goes on deciding on every token, however much ended at once. */
import { env } from 'cloudflare:test';
import { beforeEach, expect, it, vi } from 'vitest';
import { LIST_BOUNDS } from '../../src/sessions/revocation-list';
import { APP, startService } from '../fixtures';
import { verifierOf } from './verifier';

const MANY_SESSIONS = 100_000;
const MANY_PEOPLE = 20_000;
const MINUTE = 60_000;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** As a clean-up after credential stuffing leaves them, by plain SQL. */
async function endAtOnce(sessions: number, people: number, now: number) {
  const count = (to: number) =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${to})`;
  const second = Math.floor(now / 1000);
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO user_sessions (refresh_token, revoked_at) ${count(sessions)} SELECT i, ${second} FROM n`,
    ),
    env.DB.prepare(
      `INSERT INTO outdated_tokens (subject, not_before, expires_at) ${count(people)} SELECT 'user-' || i, ${second}, 253402300799 FROM n`,
    ),
  ]);
}

/** Someone who stays, someone who signed out, and a person who was signed out everywhere. */
async function startThree() {
  const service = await startService({ REVOCATION_LIST_MAX_AGE_SECONDS: '1' });
  const [staying, leaving, everywhere] = await Promise.all(
    Array.from({ length: 3 }, () => service.create({ user_id: crypto.randomUUID() })),
  );
  if (!staying || !leaving || !everywhere) throw new Error('three sessions were started');
  service.clock.now += MINUTE;
  await service.form('/oauth/revoke', { token: leaving.refresh_token, client_id: APP });
  await env.DB.prepare(
    'INSERT INTO outdated_tokens (subject, not_before, expires_at) VALUES (?, ?, 253402300799)',
  )
    .bind(everywhere.session.user_id, service.clock.now / 1000)
    .run();
  return { service, staying, leaving, everywhere };
}

it('100,000 ended sessions and 20,000 not-befores are told apart from who stays', async () => {
  const { service, staying, leaving, everywhere } = await startThree();
  await endAtOnce(MANY_SESSIONS - 1, MANY_PEOPLE - 1, service.clock.now);
  const verifier = verifierOf(service, { revocations: {} });
  expect(await verifier.verify(staying.access_token)).toMatchObject({ ok: true });
  expect(await verifier.verify(leaving.access_token)).toMatchObject({ error: 'invalid_token' });
  expect(await verifier.verify(everywhere.access_token)).toMatchObject({ error: 'invalid_token' });
  expect(LIST_BOUNDS).toEqual({ sessions: MANY_SESSIONS, notBefore: MANY_PEOPLE });
});

it('more than the list holds refuses tokens from before, and a refresh mends it for who stays', async () => {
  const { service, staying, leaving } = await startThree();
  await endAtOnce(MANY_SESSIONS + 1, MANY_PEOPLE + 1, service.clock.now);
  const verifier = verifierOf(service, { revocations: {} });
  // Never `unavailable`: what is left out is covered by one moment.
  for (const { access_token } of [staying, leaving])
    expect(await verifier.verify(access_token)).toMatchObject({ error: 'invalid_token' });
  service.clock.now += MINUTE;
  const { body } = await service.refresh(staying.refresh_token);
  expect(await verifier.verify(body.access_token)).toMatchObject({ ok: true });
  expect((await service.refresh(leaving.refresh_token)).body.error).toBe('invalid_grant');
});
