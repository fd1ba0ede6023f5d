/**
 * The Worker's own work for each operation, and that of a resource server which verifies a token
 * with the revocation list: D1 is a stub (test/bench/stubbed-worker.ts), so that a regression
 * shows, which a database's time would hide. Of two checkouts each operation is measured one right
 * after the other.
 */
import { randomUUID } from 'node:crypto';
import { ask, type Call, USER_AGENT } from './load.ts';
import type { Operation } from './operations.ts';
import type { Workers } from './workers.ts';

interface Tokens {
  session: { id: string };
  access_token: string;
  refresh_token: string;
}

export async function prepareStubbed(workers: Workers): Promise<Operation[]> {
  const { stubbed } = workers;
  const all = await Promise.all(stubbed.map((stub) => prepareOne(stub, workers)));
  const [own = [], other = []] = all;
  return own.flatMap((operation, index) => {
    const counterpart = other[index];
    if (counterpart === undefined) return [operation];
    return [counterpart, { ...operation, counterpart: counterpart.name }];
  });
}

async function prepareOne(
  { name, url }: Workers['stubbed'][number],
  { strict, authorization }: Workers,
): Promise<Operation[]> {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const json = { 'content-type': 'application/json', authorization };
  const create = (base = url): Call => ({
    method: 'POST',
    url: new URL('/v1/sessions', base),
    headers: json,
    body: JSON.stringify({
      user_id: randomUUID(),
      client_id: 'app',
      user_agent: USER_AGENT,
      ip_address: '192.0.2.7',
    }),
  });
  const post = (path: string, body: string, headers = {}): Call => ({
    method: 'POST',
    url: new URL(path, url),
    headers: { ...form, ...headers },
    body,
  });
  // Each has a session of its own, really there, of which the stub keeps how it was at first.
  const start = async (): Promise<Tokens> => JSON.parse((await ask(create(strict), 201)).body);
  const refreshed = await start();
  const listed = await start();
  const steppedUp = await start();
  const ended = await start();
  const forged = `${refreshed.refresh_token.slice(0, -8)}AAAAAAAA`;
  const refresh = (token: string) =>
    post('/oauth/token', `grant_type=refresh_token&client_id=app&refresh_token=${token}`);
  const authorized = { authorization };
  const calls: [string, () => Call, number][] = [
    ['create', () => create(), 201],
    ['refresh, rotated', () => refresh(refreshed.refresh_token), 200],
    ['refresh, forged', () => refresh(forged), 400],
    [
      'list',
      () => ({
        method: 'GET',
        url: new URL('/v1/sessions', url),
        headers: { authorization: `Bearer ${listed.access_token}` },
      }),
      200,
    ],
    [
      'verify',
      () => ({
        method: 'GET',
        url: new URL('/bench/verify', url),
        headers: { authorization: `Bearer ${listed.access_token}` },
      }),
      200,
    ],
    [
      'introspect',
      () => post('/oauth/introspect', `token=${listed.access_token}`, authorized),
      200,
    ],
    [
      'step-up',
      () => ({
        method: 'POST',
        url: new URL(`/v1/sessions/${steppedUp.session.id}/authentication`, url),
        headers: json,
        body: JSON.stringify({ refresh_token: steppedUp.refresh_token, amr: ['otp'] }),
      }),
      200,
    ],
    ['revoke', () => post('/oauth/revoke', `token=${ended.refresh_token}&client_id=app`), 200],
  ];
  return calls.map(([operation, call, status]) => ({
    name: `${operation} (${name})`,
    step: () => ask(call(), status),
  }));
}
