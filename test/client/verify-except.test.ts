/**
 * All sessions of a person end but one: a verifier that reads the revocation list refuses the
 * access tokens of all others, and goes on taking those of the one that was spared.
 */
import { describe, expect, it } from 'vitest';
import { BACKEND, basic, OTHER_BACKEND } from '../fixtures';
import { beginEmpty, create, FROM, startThreeHomes, type ThreeHomes } from '../homes/three-homes';
import { USER } from '../people';
import { bind, valueIn } from '../rpc/door';
import { verifierOf } from './verifier';

const NOBODY = '00000000-0000-4000-8000-000000000000';

beginEmpty();

async function start() {
  const homes = await startThreeHomes({ REVOCATION_LIST_MAX_AGE_SECONDS: '1' });
  const verifier = verifierOf(homes.service, {
    revocations: { pollSeconds: 5, acceptStaleSeconds: 60 },
  });
  const isGood = async (token: string) => (await verifier.verify(token)).ok;
  return { homes, isGood, begin: (body: object = {}) => beginAt(homes, body) };
}
const beginAt = (homes: ThreeHomes, body: object) =>
  create(homes, { user_id: USER, ...body }, FROM.paris);

const endAllBut = async ({ service }: ThreeHomes, id: string, who = BACKEND, more = '') => {
  // What a not-before of the person covered would be all that began, or was issued, earlier.
  service.advance(60);
  const response = await service.request(`/v1/users/${USER}/sessions?except=${id}${more}`, {
    method: 'DELETE',
    headers: { authorization: basic(who) },
  });
  return { status: response.status, body: await response.json() };
};

describe('DELETE /v1/users/{user_id}/sessions?except={session_id}', () => {
  it('spares the tokens of that session, those from before too, and no other', async () => {
    const { homes, isGood, begin } = await start();
    const [spared, ...others] = [await begin(), await begin(), await begin()];
    const ended = await endAllBut(homes, spared.session.id, BACKEND, '&reason=password_changed');
    expect(ended).toEqual({ status: 200, body: { revoked: 2 } });
    expect(await isGood(spared.access_token)).toBe(true);
    const { status, body } = await homes.service.refresh(spared.refresh_token);
    expect([status, await isGood(body.access_token)]).toEqual([200, true]);
    for (const { access_token, refresh_token } of others) {
      expect(await isGood(access_token)).toBe(false);
      expect((await homes.service.refresh(refresh_token)).body.reason).toBe('password_changed');
    }
    const audit = await (await homes.service.backend('GET', '/v1/audit-events')).json();
    expect(audit).toMatchObject({
      events: [{ type: 'user_signed_out', reason: 'password_changed', details: { spared: 1 } }],
    });
  });

  it('without `except` ends it too, and its tokens', async () => {
    const { homes, isGood, begin } = await start();
    const { access_token } = await begin();
    await homes.service.backend('DELETE', `/v1/users/${USER}/sessions?reason=password_changed`);
    homes.service.advance(1);
    expect(await isGood(access_token)).toBe(false);
  });

  it('follows a user who moved, whose tokens name the former home', async () => {
    const { homes, isGood, begin } = await start();
    const [spared, other] = [await begin(), await begin()];
    await homes.post(`/v1/users/${USER}/move`, { home: 'DB_APAC' });
    expect((await endAllBut(homes, spared.session.id)).body).toEqual({ revoked: 1 });
    expect(await isGood(spared.access_token)).toBe(true);
    expect(await isGood(other.access_token)).toBe(false);
    expect((await homes.service.refresh(spared.refresh_token)).status).toBe(200);
  });

  it('of a client that acts for some ends theirs alone', async () => {
    const { homes, isGood, begin } = await start();
    const client_id = OTHER_BACKEND.id;
    const [theirs, spared] = [await begin({ client_id }), await begin({ client_id })];
    const foreign = await begin();
    const { body } = await endAllBut(homes, spared.session.id, OTHER_BACKEND);
    expect(body).toEqual({ revoked: 1 });
    expect(await isGood(theirs.access_token)).toBe(false);
    for (const { access_token } of [spared, foreign]) expect(await isGood(access_token)).toBe(true);
  });

  it('ends all where that one is not there, and a guest’s only session not', async () => {
    const { homes, isGood, begin } = await start();
    const session = await begin();
    expect((await endAllBut(homes, NOBODY)).body).toEqual({ revoked: 1 });
    expect(await isGood(session.access_token)).toBe(false);
    const guest = await create(homes, {}, FROM.paris);
    const { id } = guest.session;
    await homes.service.backend('DELETE', `/v1/users/${id}/sessions?except=${id}`);
    expect((await homes.service.refresh(guest.refresh_token)).status).toBe(200);
  });

  it('is refused for what is no session’s id, and ends nothing', async () => {
    const { homes, begin } = await start();
    const { refresh_token } = await begin();
    for (const id of ['', 'current']) expect((await endAllBut(homes, id)).status).toBe(400);
    expect((await homes.service.refresh(refresh_token)).status).toBe(200);
  });

  it('is the same by RPC', async () => {
    const { homes, begin } = await start();
    const [spared, other] = [await begin(), await begin()];
    const backend = bind(homes.service, BACKEND.id);
    const except = spared.session.id;
    expect(valueIn(await backend.revokeAll({ user_id: USER, except }))).toEqual({ revoked: 1 });
    expect((await homes.service.refresh(spared.refresh_token)).status).toBe(200);
    expect((await homes.service.refresh(other.refresh_token)).status).toBe(400);
  });
});
