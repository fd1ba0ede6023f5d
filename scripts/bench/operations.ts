/** What is measured: for each operation, how to prepare it and how to send one request. */
import { randomUUID } from 'node:crypto';
import { ask, type Call, USER_AGENT } from './load.ts';
import type { Workers } from './workers.ts';

export interface Operation {
  name: string;
  /** The name of the same operation of another checkout, which this one is compared with. */
  counterpart?: string | null;
  /** Sends one request on a connection. Throws when the answer is not the right one. */
  step(connection: number): Promise<unknown>;
}

interface Tokens {
  session: { id: string };
  access_token: string;
  refresh_token: string;
}

const UNDELIVERED = 1_000;

export async function prepareOperations(
  workers: Workers,
  connections: number,
): Promise<Operation[]> {
  const { strict, graceful, telling, baseline, authorization } = workers;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  const create = (base: URL): Call => ({
    method: 'POST',
    url: new URL('/v1/sessions', base),
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({
      user_id: randomUUID(),
      client_id: 'app',
      user_agent: USER_AGENT,
      ip_address: '192.0.2.7',
    }),
  });
  const refresh = (base: URL, token: string): Call => ({
    method: 'POST',
    url: new URL('/oauth/token', base),
    headers: form,
    body: `grant_type=refresh_token&client_id=app&refresh_token=${token}`,
  });
  const start = async (base: URL): Promise<Tokens> =>
    JSON.parse((await ask(create(base), 201)).body);
  const startAll = (base: URL) =>
    Promise.all(Array.from({ length: connections }, () => start(base)));
  const bearer = ({ access_token }: Tokens) => ({ authorization: `Bearer ${access_token}` });
  const at = <T>(list: T[], connection: number) => list[connection] as T;

  const rotating = (await startAll(strict)).map(({ refresh_token }) => refresh_token);
  const told = (await startAll(telling)).map(({ refresh_token }) => refresh_token);
  // What the endpoint has not taken yet.
  for (let events = 0; events < UNDELIVERED; events += 50)
    await Promise.all(Array.from({ length: 50 }, () => start(telling)));
  let refreshes = 0;
  const kept = await startAll(graceful);
  const listed = await startAll(graceful);
  const rows = await startAll(graceful);
  const forged = kept.map(({ refresh_token }) => `${refresh_token.slice(0, -8)}AAAAAAAA`);
  const jwks = await ask({ method: 'GET', url: new URL('/.well-known/jwks.json', graceful) });
  await ask({ method: 'POST', url: new URL('/jwks', baseline), body: jwks.body });

  return [
    {
      name: 'hello (bare Hono)',
      step: () => ask({ method: 'GET', url: new URL('/hello', baseline) }),
    },
    {
      name: 'single UPDATE (bare D1)',
      step: (connection) =>
        ask({
          method: 'POST',
          url: new URL(`/update/${at(rows, connection).session.id}`, baseline),
        }),
    },
    {
      name: 'a refresh’s statements (bare D1)',
      step: (connection) =>
        ask({
          method: 'POST',
          url: new URL(`/step/${at(rows, connection).session.id}`, baseline),
        }),
    },
    {
      name: 'a refusal’s parts (bare Hono)',
      step: (connection) =>
        ask(
          { ...refresh(baseline, at(forged, connection)), url: new URL('/refuse', baseline) },
          400,
        ),
    },
    { name: 'create', step: () => ask(create(graceful), 201) },
    {
      name: 'refresh, rotated',
      step: async (connection) => {
        const { body } = await ask(refresh(strict, at(rotating, connection)));
        rotating[connection] = (JSON.parse(body) as Tokens).refresh_token;
      },
    },
    {
      name: 'refresh, rotated, webhook deaf',
      step: async (connection) => {
        // An event now and then, with an attempt to deliver it.
        refreshes += 1;
        if (refreshes % 50 === 0) void ask(create(telling), 201).catch(() => {});
        const { body } = await ask(refresh(telling, at(told, connection)));
        told[connection] = (JSON.parse(body) as Tokens).refresh_token;
      },
    },
    {
      name: 'refresh, within grace',
      step: (connection) => ask(refresh(graceful, at(kept, connection).refresh_token)),
    },
    {
      name: 'refresh, forged',
      step: (connection) => ask(refresh(graceful, at(forged, connection)), 400),
    },
    {
      name: 'verify',
      step: (connection) =>
        ask({
          method: 'GET',
          url: new URL('/verify', baseline),
          headers: bearer(at(listed, connection)),
        }),
    },
    {
      name: 'introspect',
      step: (connection) =>
        ask({
          method: 'POST',
          url: new URL('/oauth/introspect', graceful),
          headers: { ...form, authorization },
          body: `token=${at(listed, connection).access_token}`,
        }),
    },
    {
      name: 'list',
      step: (connection) =>
        ask({
          method: 'GET',
          url: new URL('/v1/sessions', graceful),
          headers: bearer(at(listed, connection)),
        }),
    },
  ];
}
