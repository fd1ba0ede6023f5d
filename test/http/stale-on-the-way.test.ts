/**
 * `"apply": "now"`: access tokens that say what was said before are stale, those too whose answer
 * was on its way while the change was made, and the second turned.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, expect, it, vi } from 'vitest';
import { AUDIENCE, BACKEND, basic, START, startService, type TestService } from '../fixtures';
import { USER } from '../people';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** D1, with what happens between its answer and the arrival of that. */
function answersLate(binding: D1Database, meanwhile: () => Promise<unknown>): D1Database {
  const withSession = (constraint: string) => {
    const session = binding.withSession(constraint);
    const batch = async (statements: D1PreparedStatement[]) => {
      const results = await session.batch(statements);
      await meanwhile();
      return results;
    };
    return { batch, getBookmark: () => session.getBookmark() };
  };
  const prepare = (query: string) => binding.prepare(query);
  return { prepare, withSession } as unknown as D1Database;
}

const planOf = (token: string) => decodeJwt<{ plan?: string }>(token).plan;
const introspect = async (service: TestService, token: string) =>
  (await service.form('/oauth/introspect', { token }, { authorization: basic(BACKEND) })).json();

it('a token of a refresh that had read the session before the change is stale', async () => {
  const clock = { now: START + 31_950 };
  const service = await startService({}, clock);
  let change: (() => Promise<unknown>) | null = null;
  const late = answersLate(env.DB, async () => {
    const now = change;
    change = null;
    await now?.();
  });
  const farAway = await startService({ DB: late }, clock);
  const claims = { plan: 'admin' };
  const { session, refresh_token } = await service.create({ user_id: USER, claims });
  // An isolate that has its keys.
  await farAway.refresh(refresh_token);
  change = async () => {
    const changed = await service.request(`/v1/sessions/${session.id}`, {
      method: 'PATCH',
      headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
      body: JSON.stringify({ claims: { plan: 'free' }, apply: 'now' }),
    });
    expect(changed.status).toBe(200);
    clock.now += 100;
  };
  const { status, body } = await farAway.refresh(refresh_token);
  expect([status, planOf(body.access_token)]).toEqual([200, 'admin']);
  expect(await introspect(service, body.access_token)).toEqual({ active: false });
  const exchanged = await service.form(
    '/oauth/token',
    {
      grant_type: EXCHANGE,
      subject_token: body.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: AUDIENCE,
    },
    { authorization: basic(BACKEND) },
  );
  expect(exchanged.status).toBe(400);

  const { body: next } = await farAway.refresh(body.refresh_token);
  expect(planOf(next.access_token)).toBe('free');
  expect(await introspect(service, next.access_token)).toMatchObject({
    active: true,
    plan: 'free',
  });
});
