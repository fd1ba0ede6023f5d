/** What endpoints are told of a session that moves: all of it, in order, with numbers that rise. */
import { env } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { USER } from '../people';
import { endpoint, openReceiver } from '../webhooks/receiver';
import { beginEmpty, create, FROM, startThreeHomes } from './three-homes';

beginEmpty();

it('what the endpoint had not been told moves along, and the numbers rise from home to home', async () => {
  const receiver = openReceiver();
  const homes = await startThreeHomes(
    {
      WEBHOOKS: JSON.stringify([
        endpoint('team', { events: ['session_created', 'context_changed', 'session_revoked'] }),
      ]),
    },
    undefined,
    receiver.send,
  );
  const { service } = homes;
  const runCron = () => runScheduled(service.env, service.clock.now, undefined, receiver.send);
  // A home that wrote more has higher numbers of its own.
  for (let number = 0; number < 30; number += 1) await create(homes, {}, FROM.paris);
  await runCron();
  receiver.accepted.length = 0;

  receiver.answer = () => new Response(null, { status: 500 });
  const session = await create(homes, { user_id: USER, ip_address: '192.0.2.1' }, FROM.paris);
  let token = session.refresh_token;
  const refreshFrom = async (address: string) => {
    service.advance(30);
    const { status, body } = await service.refresh(token, 'app', { address });
    expect(status).toBe(200);
    token = body.refresh_token;
  };
  await refreshFrom('198.51.100.1');
  await runCron();
  const tried = receiver.arrived.at(-1);
  for (const [home, address] of [
    ['DB_APAC', '203.0.113.1'],
    ['DB', '192.0.2.1'],
    ['DB_WEUR', '198.51.100.1'],
  ] as const) {
    expect((await homes.post(`/v1/users/${USER}/move`, { home })).status).toBe(200);
    await refreshFrom(address);
  }
  const { body } = await service.refresh(token);
  await service.bearer('DELETE', '/v1/sessions/current', body.access_token);

  receiver.answer = () => new Response();
  service.advance(60);
  for (let run = 0; run < 3; run += 1) await runCron();
  const told = receiver.accepted
    .map(({ text }) => JSON.parse(text))
    .filter(({ data }) => data.session_id === session.session.id);
  expect(told.map(({ type }) => type)).toEqual([
    'session_created',
    ...Array(4).fill('context_changed'),
    'session_revoked',
  ]);
  // A repeat has the number that the first attempt had.
  expect(told.find(({ data }) => data.id === tried?.id)).toEqual(JSON.parse(tried?.text ?? ''));
  const numbers = told.map(({ sequence }) => sequence as number);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(new Set(numbers).size).toBe(numbers.length);
  for (const home of [env.DB, env.DB_APAC, env.DB_WEUR]) {
    const { results } = await home.prepare('SELECT * FROM webhook_deliveries').all();
    expect(results).toEqual([]);
  }
});
