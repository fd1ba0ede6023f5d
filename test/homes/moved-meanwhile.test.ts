/**
 * A session that moves to another home after its cookie was found to be good, and before the page
 * or the form has done what it is there for: that is done where the session went.
 */
import { expect, it } from 'vitest';
import { CAPABILITIES } from '../../src/config/clients';
import { formatSessionCookie } from '../../src/tokens/session-cookie';
import { BACKEND, ISSUER, sha256Hex } from '../fixtures';
import { USER } from '../people';
import { beginEmpty, create, FROM, livesIn, startThreeHomes } from './three-homes';

const WEB = 'web';
const APP_ORIGIN = 'https://app.sessions.example';

beginEmpty();

/** A user of two sessions in Western Europe, one of them in a browser. */
async function startInBrowser() {
  const clients = [
    {
      client_id: BACKEND.id,
      secret_sha256: await sha256Hex(BACKEND.secret),
      allow: CAPABILITIES,
      for_clients: [WEB],
    },
    { client_id: WEB, origins: [APP_ORIGIN], return_urls: [APP_ORIGIN] },
  ];
  const homes = await startThreeHomes({ CLIENTS: JSON.stringify(clients) });
  const own = await create(homes, { user_id: USER, client_id: WEB }, FROM.paris);
  const other = await create(homes, { user_id: USER, client_id: WEB }, FROM.paris);
  const cookie = formatSessionCookie({ clientId: WEB, refreshToken: own.refresh_token });
  const send = async (method: string, path: string, origin: string) => {
    const elsewhere = await startThreeHomes({ CLIENTS: JSON.stringify(clients) });
    homes.databases.DB_WEUR.faults = [
      null,
      {
        meanwhile: () => elsewhere.post(`/v1/users/${USER}/move`, { home: 'DB_APAC' }),
      },
    ];
    return homes.service.request(path, {
      method,
      headers: {
        cookie: `__Host-session=${cookie}`,
        ...(method === 'POST' && {
          origin,
          'sec-fetch-site': origin === ISSUER ? 'same-origin' : 'same-site',
          'content-type':
            origin === ISSUER ? 'application/x-www-form-urlencoded' : 'application/json',
        }),
      },
    });
  };
  const ids = { own: own.session.id, other: other.session.id };
  return { homes, ids, send };
}

it.each([
  ['signing out here', '/account/sign-out', ISSUER, ['other']],
  ['one device', '/account/sessions/{other}/sign-out', ISSUER, ['own']],
  ['all other devices', '/account/sign-out-others', ISSUER, ['own']],
  ['everywhere', '/browser/sign-out-everywhere', APP_ORIGIN, []],
])('%s ends where the sessions went', async (_, path, origin, left) => {
  const { ids, send } = await startInBrowser();
  const response = await send('POST', path.replace('{other}', ids.other), origin);
  expect([204, 303]).toContain(response.status);
  for (const name of ['own', 'other'] as const)
    expect(await livesIn(ids[name]), name).toEqual(left.includes(name) ? ['DB_APAC'] : []);
});

it('the page shows the devices that went along', async () => {
  const { send, ids } = await startInBrowser();
  const response = await send('GET', '/account', ISSUER);
  expect(response.status).toBe(200);
  expect(await response.text()).toContain(`/account/sessions/${ids.other}/sign-out`);
});
