/** APIs that refuse what they are sent, in every mode, and how many refreshes that may cost. */
import { describe, expect, it } from 'vitest';
import { API, answering, call, type Fault, MODES, refusing, tryFault } from './fault-world';

const FAULTS: Fault[] = [
  [
    'an API that always answers 401: 20 calls',
    async (world) => {
      world.intercept = refusing;
      expect(new Set(await call(world, 20))).toEqual(new Set([401]));
      expect(world.client.session).toBe('active');
    },
    1,
    1,
  ],
  [
    'an API that always answers 401: 20 calls at once, twice',
    async (world) => {
      world.intercept = refusing;
      await Promise.all(Array.from({ length: 20 }, () => world.client.fetch(API)));
      await Promise.all(Array.from({ length: 20 }, () => world.client.fetch(API)));
    },
    1,
    1,
  ],
  [
    'an API that always answers 401 to streams: 20 calls',
    async (world) => {
      world.intercept = refusing;
      for (let made = 0; made < 20; made += 1) {
        const body = new Blob(['text']).stream();
        await world.client.fetch(API, { method: 'POST', body });
      }
    },
    1,
    1,
  ],
  [
    'an API that refuses, then works, then refuses',
    async (world) => {
      world.intercept = refusing;
      await call(world, 5);
      world.intercept = answering;
      await call(world, 1);
      world.intercept = refusing;
      await call(world, 5);
    },
    2,
    2,
  ],
  [
    'an API that wants a stronger sign-in (RFC 9470 §3): 5 calls',
    async (world) => {
      const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
      world.intercept = ({ url }) =>
        url === API
          ? new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })
          : undefined;
      expect(await call(world, 5)).toEqual(Array(5).fill(401));
    },
    0,
    0,
  ],
  [
    'an API that refuses one URL of several: 20 calls of each',
    async (world) => {
      const { client } = world;
      world.intercept = ({ url }) => {
        if (url.startsWith(`${API}/secret`)) return new Response(null, { status: 401 });
        return url.startsWith(API) ? new Response() : undefined;
      };
      for (let made = 0; made < 20; made += 1) {
        expect((await client.fetch(`${API}/secret?at=${made}`)).status).toBe(401);
        expect((await client.fetch(`${API}/open`)).status).toBe(200);
      }
    },
    1,
    1,
  ],
  [
    'an API that refuses whatever is asked: 20 URLs',
    async (world) => {
      world.intercept = ({ url }) =>
        url.startsWith(API) ? new Response(null, { status: 401 }) : undefined;
      for (let made = 0; made < 20; made += 1) await world.client.fetch(`${API}/${made}`);
    },
    1,
    1,
  ],
  [
    'an API that refuses one URL, then a token that it took elsewhere',
    async (world) => {
      let isRefusing = false;
      world.intercept = ({ url }) => {
        if (!url.startsWith(API)) return undefined;
        return new Response(null, { status: isRefusing || url.endsWith('secret') ? 401 : 200 });
      };
      await world.client.fetch(`${API}/secret`);
      await world.client.fetch(`${API}/open`);
      isRefusing = true;
      await world.client.fetch(`${API}/open`);
    },
    2,
    2,
  ],
  [
    'signed out, and 100 calls at once',
    async (world) => {
      await world.client.signOut();
      world.intercept = refusing;
      const calls = Array.from({ length: 100 }, () => world.client.fetch(API));
      for (const { status } of await Promise.all(calls)) expect(status).toBe(401);
      expect(world.client.session).toBe('signed_out');
    },
    0,
    0,
  ],
];

describe.each(MODES)('in the mode %s', (mode) => {
  it.each(FAULTS)('%s', (_, ...fault) => tryFault(mode, ...fault));
});
