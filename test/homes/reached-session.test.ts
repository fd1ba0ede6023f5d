/**
 * One session, seen and ended by a backend, which does not know in which home it is: all are asked
 * side by side, and one that has moved is followed.
 */
import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { APP, type Tokens } from '../fixtures';
import { USER } from '../people';
import {
  AWAY,
  beginEmpty,
  create,
  FROM,
  HOMES,
  livesIn,
  startThreeHomes,
  type ThreeHomes,
  takeAway,
} from './three-homes';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const ONCE_EACH = { DB: 1, DB_APAC: 1, DB_WEUR: 1 };

beginEmpty();

const ask = ({ service }: ThreeHomes, method: string, id: string) =>
  service.backend(method, `/v1/sessions/${id}`);
const move = ({ post }: ThreeHomes, home: string) => post(`/v1/users/${USER}/move`, { home });

/** How many events of a type are in each home that has any. */
async function countIn(type: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const home of HOMES) {
    const { results } = await env[home]
      .prepare('SELECT id FROM session_events WHERE type = ?')
      .bind(type)
      .all();
    if (results.length > 0) counts[home] = results.length;
  }
  return counts;
}

describe.each([
  ['a user’s', { user_id: USER }],
  ['a guest’s', {}],
])('%s session', (_, body) => {
  it('is found, and ended, by one question to each home', async () => {
    const homes = await startThreeHomes();
    const { session, refresh_token } = await create(homes, body, FROM.tokyo);
    homes.roundTrips();
    const found = await ask(homes, 'GET', session.id);
    expect(await found.json()).toMatchObject({ session: { id: session.id } });
    expect(homes.roundTrips()).toEqual(ONCE_EACH);
    expect((await ask(homes, 'DELETE', session.id)).status).toBe(204);
    expect(homes.roundTrips()).toEqual(ONCE_EACH);
    expect(await livesIn(session.id)).toEqual([]);
    expect(await countIn('session_revoked')).toEqual({ DB_APAC: 1 });
    expect(await countIn('session_signed_out')).toEqual({ DB_APAC: 1 });
    expect((await homes.service.refresh(refresh_token)).body.reason).toBe('revoked');
  });
});

describe('a session that moved', () => {
  it('is found, and ended, where it is now', async () => {
    const homes = await startThreeHomes();
    const { session } = await create(homes, { user_id: USER }, FROM.paris);
    await move(homes, 'DB_APAC');
    homes.roundTrips();
    expect((await ask(homes, 'GET', session.id)).status).toBe(200);
    expect((await ask(homes, 'DELETE', session.id)).status).toBe(204);
    expect(homes.roundTrips()).toEqual({ DB: 2, DB_APAC: 2, DB_WEUR: 2 });
    expect(await livesIn(session.id)).toEqual([]);
    expect(await countIn('session_revoked')).toEqual({ DB_APAC: 1 });
    expect(await countIn('session_signed_out')).toEqual({ DB_APAC: 1 });
  });

  it.each(['GET', 'DELETE'])('and has not arrived is followed by %s', async (method) => {
    const homes = await startThreeHomes();
    const { session, refresh_token } = await create(homes, { user_id: USER }, FROM.paris);
    homes.databases.DB_WEUR.faults = [null, null, AWAY];
    expect((await move(homes, 'DB_APAC')).status).toBe(503);
    const { status } = await ask(homes, method, session.id);
    expect(status).toBe(method === 'GET' ? 200 : 204);
    const isEnded = method === 'DELETE';
    expect(await livesIn(session.id)).toEqual(isEnded ? [] : ['DB_APAC']);
    expect(await countIn('session_revoked')).toEqual(isEnded ? { DB_APAC: 1 } : {});
    expect(await countIn('session_signed_out')).toEqual(isEnded ? { DB_APAC: 1 } : {});
    expect((await homes.service.refresh(refresh_token)).status).toBe(isEnded ? 400 : 200);
  });
});

it.each<[string, (homes: ThreeHomes, tokens: Tokens) => Promise<Response>]>([
  [
    'by its refresh token',
    ({ service }, { refresh_token: token }) =>
      service.form('/oauth/revoke', { token, client_id: APP }),
  ],
  [
    'by its access token',
    ({ service }, { access_token }) =>
      service.bearer('DELETE', '/v1/sessions/current', access_token),
  ],
])('one that is on its way ends, and is logged, where it arrives: %s', async (_, signOut) => {
  const homes = await startThreeHomes();
  const tokens = await create(homes, { user_id: USER }, FROM.paris);
  homes.databases.DB_WEUR.faults = [null, null, AWAY];
  expect((await move(homes, 'DB_APAC')).status).toBe(503);
  expect((await signOut(homes, tokens)).ok).toBe(true);
  expect(await livesIn(tokens.session.id)).toEqual([]);
  expect(await countIn('session_revoked')).toEqual({ DB_APAC: 1 });
  expect((await homes.service.refresh(tokens.refresh_token)).body.reason).toBe('signed_out');
});

describe.each(['GET', 'DELETE'])('%s, while a home does not answer', (method) => {
  it('is done for a session of another home', async () => {
    const homes = await startThreeHomes();
    const { session } = await create(homes, { user_id: USER }, FROM.paris);
    takeAway(homes.databases.DB_APAC);
    expect((await ask(homes, method, session.id)).ok).toBe(true);
  });

  it('does not say that there is none, because it may be there', async () => {
    const homes = await startThreeHomes();
    const { session } = await create(homes, { user_id: USER }, FROM.paris);
    takeAway(homes.databases.DB_WEUR);
    for (const id of [session.id, NOBODY]) expect((await ask(homes, method, id)).status).toBe(503);
    homes.databases.DB_WEUR.faults = [];
    expect((await ask(homes, method, session.id)).ok).toBe(true);
    expect((await ask(homes, method, NOBODY)).status).toBe(404);
  });
});

it('a commit whose answer was lost is tried again, and leaves one event of each log', async () => {
  const homes = await startThreeHomes();
  const { session } = await create(homes, { user_id: USER }, FROM.paris);
  homes.databases.DB_WEUR.faults = [{ after: AWAY.before }];
  const { status } = await ask(homes, 'DELETE', session.id);
  if (status === 503) expect((await ask(homes, 'DELETE', session.id)).status).toBe(204);
  else expect(status).toBe(204);
  expect(await countIn('session_revoked')).toEqual({ DB_WEUR: 1 });
  expect(await countIn('session_signed_out')).toEqual({ DB_WEUR: 1 });
});
