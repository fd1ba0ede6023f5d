/**
 * docs/runbooks.md, "A home is lost": an empty database under the same binding, and who is where.
 */
import { env } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { createApp } from '../../src/http/app';
import { runScheduled } from '../../src/scheduled';
import { verifierOf } from '../client/verifier';
import { APP, BACKEND, basic, ISSUER } from '../fixtures';
import { replaceByEmpty } from '../homes/backup';
import {
  beginEmpty,
  create,
  DESCRIBED,
  FROM,
  type HomeName,
  homeOf,
  startThreeHomes,
  type ThreeHomes,
  takeAway,
} from '../homes/three-homes';
import { carryOut, like, runbook } from './runbook';

const ANNA = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const BEN = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c12';
const CLEO = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c13';
const GRACE = 30;
const { commands, shown } = runbook('A home is lost');
const [look, notBefore, revokeKeys] = commands;
const [cronLine, unboundLine] = shown;

const log = beginEmpty();
const runCron = ({ service }: ThreeHomes) => runScheduled(service.env, service.clock.now);

const replace = (name: HomeName) => replaceByEmpty(env[name]);

it('has three commands: to look, the not-before, and new keys', () => {
  expect(commands).toEqual([
    'npm run homes',
    'npm run homes -- not-before DB_WEUR',
    'npm run keys -- revoke all',
  ]);
});

it('shows in the list of homes, in the line of the cron, and to its own users and new ones alone', async () => {
  const homes = await startThreeHomes();
  const anna = await create(homes, { user_id: ANNA }, FROM.paris);
  const ben = await create(homes, { user_id: BEN }, FROM.tokyo);
  takeAway(homes.databases.DB_WEUR);
  expect(await carryOut(homes.service, look)).toMatchObject({
    homes: [
      { home: 'DB', answers: true },
      { home: 'DB_APAC', answers: true },
      { home: 'DB_WEUR', answers: false },
    ],
  });
  await expect(runCron(homes)).rejects.toThrow('did not answer');
  expect(log.lines).toContainEqual(like(cronLine));
  homes.service.advance(GRACE);
  expect((await homes.service.refresh(anna.refresh_token)).status).toBe(503);
  expect((await homes.service.refresh(ben.refresh_token)).status).toBe(200);
  await create(homes, { user_id: BEN }, FROM.paris);
  await expect(create(homes, { user_id: CLEO }, FROM.tokyo)).rejects.toThrow('503');
});

it('with an empty database in its place, its users sign in again, and its access tokens are refused', async () => {
  const lost = await startThreeHomes();
  const anna = await create(lost, { user_id: ANNA }, FROM.paris);
  await replace('DB_WEUR');
  const homes = await startThreeHomes({}, lost.service.clock);
  const { service } = homes;
  service.advance(1);
  const { verify } = verifierOf(service, { revocations: {} });
  expect(await verify(anna.access_token)).toMatchObject({ ok: true });
  await carryOut(service, notBefore);
  service.advance(GRACE);
  expect(await verify(anna.access_token)).toMatchObject({ ok: false });
  const refused = await service.refresh(anna.refresh_token);
  expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant']);
  expect((await service.bearer('GET', '/v1/sessions', anna.access_token)).status).toBe(401);
  const again = await create(homes, { user_id: ANNA }, FROM.paris);
  expect(homeOf(again.refresh_token)).toBe('DB_WEUR');
  service.advance(GRACE);
  expect((await service.refresh(again.refresh_token)).status).toBe(200);
  await runCron(homes);
  expect(await carryOut(service, look)).toMatchObject({
    homes: Array(3).fill({ answers: true, unfinished_moves: 0 }),
  });
});

it('that takes nobody new has its users begin elsewhere', async () => {
  const lost = await startThreeHomes();
  await create(lost, { user_id: ANNA }, FROM.paris);
  await replace('DB_WEUR');
  const HOMES = JSON.stringify(
    DESCRIBED.map((home) => ({ ...home, ...(home.home === 'DB_WEUR' && { new_users: 'none' }) })),
  );
  const homes = await startThreeHomes({ HOMES }, lost.service.clock);
  const again = await create(homes, { user_id: ANNA }, FROM.paris);
  expect(homeOf(again.refresh_token)).not.toBe('DB_WEUR');
  // Nobody is left in it to be moved.
  const drained = await homes.post('/v1/homes/DB_WEUR/drain', {});
  expect(drained.body).toEqual({ moved: 0, next_cursor: null });
});

it('a move into it that was cut off is finished into the empty database, with the session', async () => {
  const lost = await startThreeHomes();
  const anna = await create(lost, { user_id: ANNA }, FROM.tokyo);
  // It answers who lives there, and is lost before anyone arrives.
  takeAway(lost.databases.DB_WEUR);
  lost.databases.DB_WEUR.faults.unshift(null);
  const moved = await lost.post(`/v1/users/${ANNA}/move`, { home: 'DB_WEUR' });
  expect(moved.status).toBe(503);
  await replace('DB_WEUR');
  const homes = await startThreeHomes({}, lost.service.clock);
  await runCron(homes);
  homes.service.advance(GRACE);
  const refreshed = await homes.service.refresh(anna.refresh_token);
  expect([refreshed.status, homeOf(refreshed.body.refresh_token)]).toEqual([200, 'DB_WEUR']);
});

it('a drain that was cut off: whoever had arrived lives on, the others sign in again', async () => {
  const lost = await startThreeHomes();
  const anna = await create(lost, { user_id: ANNA }, FROM.paris);
  const ben = await create(lost, { user_id: BEN }, FROM.paris);
  expect((await lost.post(`/v1/users/${ANNA}/move`, { home: 'DB_APAC' })).status).toBe(200);
  await replace('DB_WEUR');
  const homes = await startThreeHomes({}, lost.service.clock);
  await carryOut(homes.service, notBefore);
  homes.service.advance(GRACE);
  expect((await homes.service.refresh(ben.refresh_token)).body.error).toBe('invalid_grant');
  // Her old token names the lost home, where nothing shows the way any more; the one that she got
  // when she arrived is good.
  expect((await homes.service.refresh(anna.refresh_token)).body.error).toBe('invalid_grant');
  const again = await create(homes, { user_id: ANNA }, FROM.paris);
  expect(homeOf(again.refresh_token)).toBe('DB_APAC');
});

it('a user who had moved into it signs in again, there', async () => {
  const lost = await startThreeHomes();
  const anna = await create(lost, { user_id: ANNA }, FROM.tokyo);
  await lost.post(`/v1/users/${ANNA}/move`, { home: 'DB_WEUR' });
  await replace('DB_WEUR');
  const homes = await startThreeHomes({}, lost.service.clock);
  homes.service.advance(GRACE);
  expect((await homes.service.refresh(anna.refresh_token)).body.error).toBe('invalid_grant');
  const again = await create(homes, { user_id: ANNA }, FROM.tokyo);
  expect(homeOf(again.refresh_token)).toBe('DB_WEUR');
  homes.service.advance(GRACE);
  expect((await homes.service.refresh(again.refresh_token)).status).toBe(200);
});

it('the default one takes the keys with it: tokens of the other homes are refused until all have new ones', async () => {
  const lost = await startThreeHomes();
  const ben = await create(lost, { user_id: BEN }, FROM.tokyo);
  await runCron(lost);
  await replace('DB');
  const { clock } = lost.service;
  const homes = await startThreeHomes({}, clock);
  homes.service.advance(61);
  const published = async () => verifierOf((await startThreeHomes({}, clock)).service, {});
  const orphaned = await homes.service.refresh(ben.refresh_token);
  expect(orphaned.status).toBe(200);
  expect(await (await published()).verify(orphaned.body.access_token)).toMatchObject({ ok: false });

  await carryOut(homes.service, revokeKeys);
  homes.service.advance(61);
  const { body } = await homes.service.refresh(orphaned.body.refresh_token);
  expect(await (await published()).verify(body.access_token)).toMatchObject({ ok: true });
});

it('whose binding is taken away all the same: 503 that the log explains, for whoever moved there', async () => {
  const homes = await startThreeHomes();
  await create(homes, { user_id: ANNA }, FROM.tokyo);
  await homes.post(`/v1/users/${ANNA}/move`, { home: 'DB_WEUR' });
  const { DB_WEUR: _, ...rest } = homes.service.env as typeof homes.service.env & {
    DB_WEUR: unknown;
  };
  const described = DESCRIBED.filter(({ home }) => home !== 'DB_WEUR');
  const app = createApp(
    { ...rest, HOMES: JSON.stringify(described) } as never,
    () => homes.service.clock.now,
  );
  const response = await app.request(`${ISSUER}/v1/sessions`, {
    method: 'POST',
    body: JSON.stringify({ client_id: APP, user_id: ANNA }),
    headers: { 'content-type': 'application/json', authorization: basic(BACKEND) },
  });
  expect(response.status).toBe(503);
  expect(log.lines).toContainEqual(like(unboundLine));
});
