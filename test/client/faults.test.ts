/**
 * What goes wrong around the client, in every mode, and how many requests it may cost: fault × mode
 * × number of refreshes. The service is the real one; what fails is a clock, an API, a proxy.
 */
import { describe, expect, it } from 'vitest';
import { SessionUnavailableError } from '../../src/client/browser';
import { eventually } from '../eventually';
import {
  API,
  answering,
  call,
  type Fault,
  HOUR_MS,
  MODES,
  proxy,
  tryFault,
  type World,
} from './fault-world';

/** What happens between a refresh's request and its answer. */
async function refreshWhile(world: World, happen: () => void): Promise<void> {
  world.intercept = () => {
    happen();
    return undefined;
  };
  await world.client.refresh();
}

const FAULTS: Fault[] = [
  [
    'a clock that was an hour ahead and is set right: 60 calls',
    async (world) => {
      world.intercept = answering;
      world.service.clock.now += HOUR_MS;
      // What is adopted by the wrong clock.
      await world.client.refresh();
      world.service.clock.now -= HOUR_MS;
      expect(new Set(await call(world, 60))).toEqual(new Set([200]));
    },
    2,
    2,
  ],
  [
    'a clock that was an hour behind and is set right: 60 calls',
    async (world) => {
      world.intercept = answering;
      world.service.clock.now += HOUR_MS;
      await call(world, 60);
    },
    1,
    1,
  ],
  [
    'a clock that is adjusted by a few milliseconds: 20 calls',
    async (world) => {
      world.intercept = answering;
      world.service.clock.now -= 20;
      await call(world, 20);
    },
    0,
    0,
  ],
  [
    'Retry-After: 3600 of a proxy: nothing for two minutes, then on',
    async (world) => {
      world.intercept = proxy('3600');
      await world.client.refresh().catch(() => {});
      world.intercept = () => undefined;
      await expect(world.client.refresh()).rejects.toThrow();
      world.service.advance(121);
      expect(await world.client.refresh()).toBe('active');
    },
    2,
    2,
  ],
  [
    'Retry-After: 3600, and the clock is set back by an hour',
    async (world) => {
      world.intercept = proxy('3600');
      await world.client.refresh().catch(() => {});
      world.intercept = () => undefined;
      world.service.clock.now -= HOUR_MS;
      expect(await world.client.refresh()).toBe('active');
    },
    2,
    2,
  ],
  [
    'Retry-After: 3600, and the person signs out',
    async (world) => {
      world.intercept = proxy('3600');
      await world.client.refresh().catch(() => {});
      world.intercept = () => undefined;
      await world.client.signOut();
      expect(world.client.session).toBe('signed_out');
      expect(world.signOuts()).toBe(1);
    },
    1,
    1,
  ],
  [
    'the clock goes ahead by an hour while a refresh is in the air: 20 calls',
    async (world) => {
      await refreshWhile(world, () => {
        world.service.clock.now += HOUR_MS;
      });
      world.intercept = answering;
      expect(new Set(await call(world, 20))).toEqual(new Set([200]));
    },
    1,
    2,
  ],
  [
    'the clock goes back by an hour while a refresh is in the air: 20 calls',
    async (world) => {
      await refreshWhile(world, () => {
        world.service.clock.now -= HOUR_MS;
      });
      world.intercept = answering;
      expect(new Set(await call(world, 20))).toEqual(new Set([200]));
    },
    1,
    2,
  ],
  [
    'a device that has slept for eight hours: 100 calls at once',
    async (world) => {
      world.intercept = answering;
      world.service.clock.now += 8 * HOUR_MS;
      const calls = Array.from({ length: 100 }, () => world.client.fetch(API));
      for (const { status } of await Promise.all(calls)) expect(status).toBe(200);
    },
    1,
    1,
  ],
  [
    'Retry-After: 3600, and the person signs out everywhere',
    async (world) => {
      world.intercept = proxy('3600');
      await world.client.refresh().catch(() => {});
      world.intercept = () => undefined;
      await world.client.signOutEverywhere();
      expect(world.client.session).toBe('signed_out');
    },
    1,
    // With tokens one of the account's own is asked for.
    2,
  ],
  [
    'nobody waits for a refresh that fails: the app is told, once',
    async (world) => {
      world.intercept = () => new Response('<html>', { status: 403 });
      world.service.clock.now += HOUR_MS;
      world.client.wake();
      await eventually(() => expect(world.errors).toEqual([new SessionUnavailableError()]));
      expect(world.client.session).toBe('active');
    },
    1,
    1,
  ],
];

describe.each(MODES)('in the mode %s', (mode) => {
  it.each(FAULTS)('%s', (_, ...fault) => tryFault(mode, ...fault));
});
