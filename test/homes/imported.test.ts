/** Sessions of another system, and where they live: with their user, or where the import says. */
import { describe, expect, it } from 'vitest';
import { APP, BACKEND, basic } from '../fixtures';
import { USER } from '../people';
import {
  beginEmpty,
  create,
  emptyHomes,
  FROM,
  homeOf,
  livesIn,
  startThreeHomes,
  type ThreeHomes,
  takeAway,
} from './three-homes';

const UNTIL = { IMPORTED_SESSIONS_UNTIL: '2026-02-01T00:00:00Z' };

beginEmpty();

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const base64 = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

async function bring({ post }: ThreeHomes, token: string, more: object = {}) {
  const session = { token_sha256: await sha256(token), user_id: USER, client_id: APP, ...more };
  // Whoever runs the import sits in Tokyo, which says nothing of where the user is.
  const { body } = await post('/v1/import/sessions', { sessions: [session] }, FROM.tokyo);
  return (body.sessions as { outcome: string; reason?: string }[])[0];
}

async function exchange({ service }: ThreeHomes, token: string) {
  const response = await service.form('/oauth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:edge-sessions:token-type:imported-session',
    subject_token: token,
    client_id: APP,
  });
  const body = await response.json<{ refresh_token: string; error?: string }>();
  return { status: response.status, body };
}

describe('an imported session', () => {
  it('lives with a user who is known', async () => {
    const homes = await startThreeHomes(UNTIL);
    await create(homes, { user_id: USER }, FROM.paris);
    expect(await bring(homes, 'token')).toEqual({ outcome: 'taken' });
    expect(await bring(homes, 'other', { home: 'DB' })).toEqual({
      outcome: 'left',
      reason: 'user_has_other_home',
    });
    const { body } = await exchange(homes, 'token');
    expect(homeOf(body.refresh_token)).toBe('DB_WEUR');
  });

  it('of somebody new lives where it says, else in the first home', async () => {
    const homes = await startThreeHomes(UNTIL);
    await bring(homes, 'token', { home: 'DB_APAC' });
    expect(homeOf((await exchange(homes, 'token')).body.refresh_token)).toBe('DB_APAC');
    await emptyHomes();
    await bring(homes, 'token');
    expect(homeOf((await exchange(homes, 'token')).body.refresh_token)).toBe('DB');
  });

  it('is known in every home, and goes along when its user moves', async () => {
    const homes = await startThreeHomes(UNTIL);
    await bring(homes, 'token', { home: 'DB_APAC' });
    const moved = await homes.service.request(`/v1/users/${USER}/move`, {
      method: 'POST',
      headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
      body: JSON.stringify({ home: 'DB_WEUR' }),
    });
    expect(moved.status).toBe(200);
    expect(await bring(homes, 'token')).toEqual({ outcome: 'already_there' });
    const { status, body } = await exchange(homes, 'token');
    expect(status).toBe(200);
    const { sid } = JSON.parse(
      atob((body.refresh_token.split('.')[2] ?? '').replaceAll('-', '+').replaceAll('_', '/')),
    );
    expect(await livesIn(sid)).toEqual(['DB_WEUR']);
  });

  it('is kept while its home is away: nobody is signed out by an outage', async () => {
    const homes = await startThreeHomes(UNTIL);
    await bring(homes, 'token', { home: 'DB_APAC' });
    takeAway(homes.databases.DB_APAC);
    expect((await exchange(homes, 'token')).status).toBe(503);
    expect(
      (
        await homes.post('/v1/import/sessions', {
          sessions: [{ token_sha256: await sha256('x'), user_id: USER, client_id: APP }],
        })
      ).status,
    ).toBe(503);
    homes.databases.DB_APAC.faults = [];
    homes.service.advance(60);
    expect((await exchange(homes, 'token')).status).toBe(200);
  });
});
