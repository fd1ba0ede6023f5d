/**
 * Operators whose app calls people otherwise than the service does, whose browser is behind what
 * speaks https for the console, and whose forms say what the service refuses.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toUuid } from '../../../src/crypto.ts';
import {
  AUDIENCE,
  actsOn,
  CONSOLE_ORIGIN,
  ISSUER,
  newUser,
  openBrowser,
  startTwoWorkers,
  type TwoWorkers,
  titleIn,
} from './two-workers.ts';

const PROVIDER = 'https://id.example.com';
const ADA = { issuer: PROVIDER, subject: 'Ada' };
const adasId = await toUuid([ADA.issuer, ADA.subject]);

let workers: TwoWorkers;
beforeAll(async () => {
  workers = await startTwoWorkers({
    variables: { ISSUER, AUDIENCE, OPERATORS: [adasId, 'Eve', 'mallory'] },
    appClient: { subject: { external: PROVIDER } },
  });
});
afterAll(() => workers?.stop());

const open = async (user = ADA) =>
  openBrowser(workers, { cookie: await workers.signIn('', { user_id: undefined, user }) });

async function startFor(userId: string): Promise<string> {
  const started = await workers.asBackend('POST', '/v1/sessions', { user_id: userId });
  return (started as { session: { id: string } }).session.id;
}

it('an operator is known by their user id, whatever `sub` says, and so does the audit log', async () => {
  const userId = newUser();
  await startFor(userId);
  const operator = await open();
  expect((await operator.get('/console')).status).toBe(200);
  expect((await operator.submit(`/console/people/${userId}/end`)).status).toBe(303);
  expect(await actsOn(workers, userId)).toMatchObject([{ details: { operator: adasId } }]);
});

it.each(['mallory', 'eve', 'Eve'])(
  'whom an issuer calls %s is no operator by that',
  async (subject) => {
    const { status, text } = await (await open({ issuer: PROVIDER, subject })).get('/console');
    expect([status, titleIn(text)]).toEqual([403, 'You are not an operator']);
  },
);

it('a form acts where https ends before the console: the page is of the same host', async () => {
  const userId = newUser();
  await startFor(userId);
  const acted = await (await open()).submit(
    `/console/people/${userId}/end`,
    {},
    { origin: ISSUER },
  );
  expect([acted.status, acted.headers.get('location')]).toEqual([
    303,
    `/console/people/${userId}?ended=1`,
  ]);
});

it.each<[string, Record<string, string>]>([
  ['of a browser without fetch metadata', { origin: ISSUER, 'sec-fetch-site': '' }],
  ['of another port', { origin: `${CONSOLE_ORIGIN}:8443` }],
  ['of the page by http, as the metadata says', { origin: ISSUER, 'sec-fetch-site': 'cross-site' }],
])('but not one %s', async (_, headers) => {
  const refused = await (await open()).submit(`/console/people/${newUser()}/end`, {}, headers);
  expect([refused.status, titleIn(refused.text)]).toEqual([403, 'Not from here']);
});

it('a note that the service refuses is told, and nothing was ended', async () => {
  const id = await startFor(newUser());
  const operator = await open();
  // What turns the direction of a text.
  const note = { note: 'called\u202eus' };
  const refused = await operator.submit(`/console/sessions/${id}/end`, note);
  expect([refused.status, titleIn(refused.text)]).toEqual([400, 'That did not work']);
  expect(refused.text).toContain('visible characters only');
  expect((await operator.get(`/console/sessions/${id}`)).text).toContain('End this session');
});

it('an address that somebody has changed is their mistake, not the service’s', async () => {
  for (const path of ['/console/audit?cursor=x', '/console/webhooks?cursor=x'])
    expect([path, (await (await open()).get(path)).status]).toEqual([path, 400]);
});
