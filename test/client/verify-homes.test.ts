/**
 * A home that is away: the verifier goes on deciding for all others, and for its own for a while.
 */
import { expect, it } from 'vitest';
import { APP } from '../fixtures';
import { beginEmpty, create, startThreeHomes, takeAway } from '../homes/three-homes';
import { verifierOf } from './verifier';

beginEmpty();

const STALE_SECONDS = 60;

async function start() {
  const homes = await startThreeHomes({ REVOCATION_LIST_MAX_AGE_SECONDS: '1' });
  const verifier = verifierOf(homes.service, {
    revocations: { pollSeconds: 5, acceptStaleSeconds: STALE_SECONDS },
  });
  const startIn = (home: string) => create(homes, { user_id: crypto.randomUUID(), home });
  const signOut = (refreshToken: string) =>
    homes.service.form('/oauth/revoke', { token: refreshToken, client_id: APP });
  return { homes, service: homes.service, verifier, startIn, signOut };
}

it('names the homes that did not answer in its list', async () => {
  const { homes, service } = await start();
  takeAway(homes.databases.DB_WEUR);
  const list = await (await service.request('/.well-known/revocations')).json();
  expect(list).toMatchObject({ complete: false, missing: ['DB_WEUR'] });
});

it('tokens of the other homes are decided for as long as it lasts, ended ones too', async () => {
  const { homes, service, verifier, startIn, signOut } = await start();
  const [staying, leaving] = [await startIn('DB_APAC'), await startIn('DB')];
  takeAway(homes.databases.DB_WEUR);
  service.advance(4 * STALE_SECONDS);
  await signOut(leaving.refresh_token);
  expect(await verifier.verify(staying.access_token)).toMatchObject({ ok: true });
  expect(await verifier.verify(leaving.access_token)).toMatchObject({ error: 'invalid_token' });
});

it('its own are decided by the last list that had it, and then not at all', async () => {
  const { homes, service, verifier, startIn, signOut } = await start();
  const [staying, leaving] = [await startIn('DB_WEUR'), await startIn('DB_WEUR')];
  await signOut(leaving.refresh_token);
  expect(await verifier.verify(staying.access_token)).toMatchObject({ ok: true });
  takeAway(homes.databases.DB_WEUR);
  service.advance(STALE_SECONDS);
  expect(await verifier.verify(staying.access_token)).toMatchObject({ ok: true });
  expect(await verifier.verify(leaving.access_token)).toMatchObject({ error: 'invalid_token' });
  service.advance(6);
  expect(await verifier.verify(staying.access_token)).toMatchObject({ error: 'unavailable' });
  expect(await verifier.verify(leaving.access_token)).toMatchObject({ error: 'invalid_token' });
});

it('without a list that had it, none of its own pass', async () => {
  const { homes, verifier, startIn } = await start();
  const { access_token } = await startIn('DB_WEUR');
  takeAway(homes.databases.DB_WEUR);
  expect(await verifier.verify(access_token)).toMatchObject({ error: 'unavailable' });
});
