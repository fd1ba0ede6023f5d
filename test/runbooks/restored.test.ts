/** docs/runbooks.md, "A database was restored": what came back, and that none of it lives on. */
import { env } from 'cloudflare:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { verifierOf } from '../client/verifier';
import { APP, clientsWith, START, startService } from '../fixtures';
import { takeBackup } from '../homes/backup';
import {
  beginEmpty,
  create,
  expectNoForks,
  FROM,
  homeOf,
  livesIn,
  startThreeHomes,
  type ThreeHomes,
} from '../homes/three-homes';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER } from '../http/provider';
import { endpoint, openReceiver } from '../webhooks/receiver';
import { carryOut, runbook } from './runbook';

const ANNA = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const BEN = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c12';
const GRACE = 30;
const { commands } = runbook('A database was restored');
const [notBefore, revokeKeys] = commands;

beginEmpty();

const restart = (homes: ThreeHomes) => startThreeHomes({}, homes.service.clock);

it('has two commands: the not-before of the home, and new keys', () => {
  expect(commands).toEqual(['npm run homes -- not-before DB_WEUR', 'npm run keys -- revoke all']);
});

it('whoever was signed out since, and tokens that were rotated since, are refused after the not-before', async () => {
  const homes = await startThreeHomes();
  const anna = await create(homes, { user_id: ANNA }, FROM.paris);
  const ben = await create(homes, { user_id: BEN }, FROM.paris);
  const restore = await takeBackup(env.DB_WEUR);
  homes.service.advance(GRACE);
  await homes.service.backend('DELETE', `/v1/users/${ANNA}/sessions`);
  const { body: rotated } = await homes.service.refresh(ben.refresh_token);
  const lost = await create(homes, {}, FROM.paris);
  homes.service.advance(10 * GRACE);
  await restore();
  const { service } = await restart(homes);
  // Without it they would live again.
  expect((await service.refresh(anna.refresh_token)).status).toBe(200);
  await carryOut(service, notBefore);
  for (const { refresh_token } of [anna, ben, rotated])
    expect((await service.refresh(refresh_token)).body.reason).toBe('revoked');
  expect((await service.refresh(lost.refresh_token)).body.error).toBe('invalid_grant');
  service.advance(1);
  const { verify } = verifierOf(service, { revocations: {} });
  for (const { access_token } of [anna, rotated, lost])
    expect(await verify(access_token)).toMatchObject({ ok: false });
  const again = await create(homes, { user_id: ANNA }, FROM.paris);
  expect(homeOf(again.refresh_token)).toBe('DB_WEUR');
  expect((await service.refresh(again.refresh_token)).status).toBe(200);
});

it('a signing key that was withdrawn since signs again, in one home alone, until all are withdrawn', async () => {
  const homes = await startThreeHomes();
  const { access_token: stolen } = await create(homes, { user_id: ANNA }, FROM.newYork);
  await runScheduled(homes.service.env, homes.service.clock.now);
  const restore = await takeBackup(env.DB);
  homes.service.advance(1);
  await carryOut(homes.service, revokeKeys);
  await restore();
  homes.service.advance(60);

  const { service } = await restart(homes);
  const elsewhere = await create({ ...homes, service }, { user_id: BEN }, FROM.tokyo);
  const isGood = async (token: string) =>
    (await verifierOf(service, { revocations: {} }).verify(token)).ok;
  expect(await isGood(stolen)).toBe(true);
  // The copy of that home has the key of after the restore point, which is published no more.
  expect(await isGood(elsewhere.access_token)).toBe(false);

  await carryOut(service, revokeKeys);
  const after = await restart(homes);
  expect(await isGood(stolen)).toBe(false);
  const refreshed = await after.service.refresh(elsewhere.refresh_token);
  expect(await isGood(refreshed.body.access_token)).toBe(true);
  const kids = new Set<string | undefined>();
  for (const place of [FROM.newYork, FROM.paris, FROM.tokyo])
    kids.add(decodeProtectedHeader((await create(after, {}, place)).access_token).kid);
  expect(kids.size).toBe(1);
  const { keys } = (await (await after.service.backend('GET', '/v1/signing-keys')).json()) as {
    keys: { state: string }[];
  };
  expect(keys.map(({ state }) => state)).toEqual([
    'signing',
    ...Array(keys.length - 1).fill('revoked'),
  ]);
});

it('a user who had come into the home since signs in again, by ID token too, and is the same person', async () => {
  const clock = { now: START };
  const provider = await openProvider(PROVIDER, clock);
  const allow = ['refresh', 'sign_in'];
  const homes = await startThreeHomes(
    {
      CLIENTS: clientsWith(await startService(), APP, { allow }),
      TRUSTED_ISSUERS: JSON.stringify([{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }]),
    },
    clock,
    provider.send,
  );
  const signIn = async () => {
    const response = await homes.service.form('/oauth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: await provider.idToken({ jti: crypto.randomUUID() }),
      client_id: APP,
    });
    expect(response.status).toBe(200);
    const tokens = await response.json<{ access_token: string; refresh_token: string }>();
    return { ...tokens, user: decodeJwt(tokens.access_token).sub };
  };
  const restore = await takeBackup(env.DB_WEUR);
  const before = await signIn();
  const { user } = before;
  expect(homeOf(before.refresh_token)).not.toBe('DB_WEUR');
  await homes.post(`/v1/users/${user}/move`, { home: 'DB_WEUR' });
  await restore();
  await carryOut(homes.service, notBefore);
  homes.service.advance(GRACE);
  expect((await homes.service.refresh(before.refresh_token)).body.error).toBe('invalid_grant');
  const after = await signIn();
  expect([homeOf(after.refresh_token), after.user]).toEqual(['DB_WEUR', user]);
  expect((await homes.service.refresh(after.refresh_token)).status).toBe(200);
});

it('a user who had left the home since is live in one home alone', async () => {
  const homes = await startThreeHomes();
  const anna = await create(homes, { user_id: ANNA }, FROM.paris);
  const restore = await takeBackup(env.DB_WEUR);
  await homes.post(`/v1/users/${ANNA}/move`, { home: 'DB_APAC' });
  await restore();
  await carryOut(homes.service, notBefore);
  homes.service.advance(GRACE);
  const again = await create(homes, { user_id: ANNA }, FROM.paris);
  expect((await homes.service.refresh(again.refresh_token)).status).toBe(200);
  expect(await livesIn(anna.session.id)).toEqual(['DB_APAC']);
  await expectNoForks();
});

it('what a receiver was told is told again with the same id, and new sessions are in order for it', async () => {
  const receiver = openReceiver();
  const homes = await startThreeHomes(
    {
      WEBHOOKS: JSON.stringify([
        endpoint('team', { events: ['session_created', 'session_revoked'] }),
      ]),
    },
    undefined,
    receiver.send,
  );
  const { service } = homes;
  const runCron = () => runScheduled(service.env, service.clock.now, undefined, receiver.send);
  await create(homes, { user_id: ANNA }, FROM.paris);
  const restore = await takeBackup(env.DB_WEUR);
  await runCron();
  service.advance(GRACE);
  await service.backend('DELETE', `/v1/users/${ANNA}/sessions`);
  await runCron();
  await restore();
  await carryOut(service, notBefore);
  service.advance(GRACE);
  const { access_token, session } = await create(homes, { user_id: ANNA }, FROM.paris);
  await service.bearer('DELETE', '/v1/sessions/current', access_token);
  await runCron();
  const messages = receiver.accepted.map(({ id, text }) => ({ id, ...JSON.parse(text) }));
  expect(messages.filter(({ id }) => id === messages[0].id)).toHaveLength(2);
  const own = messages.filter(({ data }) => data.session_id === session.id);
  expect(own.map(({ type }) => type)).toEqual(['session_created', 'session_revoked']);
  expect(own[0].sequence).toBeLessThan(own[1].sequence);
});
