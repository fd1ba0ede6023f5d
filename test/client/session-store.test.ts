/** What a page shows of its session (src/client/react): one value, and the same until it changes. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSessionClient, type TokenSessionClient } from '../../src/client/browser';
import { type SessionStore, toStore, toView, UNKNOWN } from '../../src/client/react/session-store';
import { eventually } from '../eventually';
import { APP, ISSUER, startService, type TestService } from '../fixtures';
import { USER } from '../people';

let service: TestService;
/** How often the app's function was called. */
let opened: number;
let client: TokenSessionClient;
let store: SessionStore<TokenSessionClient>;
/** How often those who show the session were told. */
let told: number;

beforeEach(async () => {
  service = await startService();
  [opened, told] = [0, 0];
  store = toStore(openSession()) as SessionStore<TokenSessionClient>;
  store.subscribe(() => {
    told += 1;
  });
});
afterEach(() => client?.close());

/** The function that an app declares outside of its components. */
function openSession() {
  return () => {
    opened += 1;
    client = createSessionClient({
      mode: 'token',
      clientId: APP,
      baseUrl: ISSUER,
      now: () => service.clock.now,
      fetch: async (input, { keepalive: _, ...init }: RequestInit & { keepalive?: boolean } = {}) =>
        service.app.fetch(new Request(input as RequestInfo, init)),
    });
    return client;
  };
}

async function signIn(input: Record<string, unknown> = { user_id: USER }): Promise<void> {
  const tokens = await service.create({ client_id: APP, ...input });
  await store.client.start(tokens);
  await eventually(() => expect(store.read().claims).not.toBe(null));
}

describe('the client', () => {
  it('is opened once, by whatever comes first, and not before', () => {
    expect(opened).toBe(0);
    store.read();
    store.read();
    expect(store.client.session).toBe('unknown');
    expect(opened).toBe(1);
  });
});

describe('the value', () => {
  it('is the very one that a server shows, until something is known', () => {
    expect(store.read()).toBe(UNKNOWN);
    expect(told).toBe(0);
  });

  it('is the same while the session only goes on', async () => {
    await signIn();
    const shown = store.read();
    const before = told;
    service.advance(31);
    await store.client.refresh();
    await new Promise((looked) => setTimeout(looked, 50));
    expect(store.read()).toBe(shown);
    expect(told).toBe(before);
  });

  it('says who it is', async () => {
    await signIn();
    expect(store.read()).toMatchObject({ state: 'active', userId: USER, reason: null });
  });

  it('has no user for a guest', async () => {
    await signIn({});
    expect(store.read()).toMatchObject({ state: 'active', userId: null, claims: { guest: true } });
  });

  it('is active and of nobody yet while no claims are known', () => {
    expect(toView(null)).toEqual({ state: 'active', userId: null, claims: null, reason: null });
  });

  it('goes by the user’s id where `sub` is another name', () => {
    expect(toView({ sub: 'name', uid: USER, sid: 's' })).toMatchObject({ userId: USER });
  });

  it('is signed out, with the reason and nobody’s claims, after a sign-out', async () => {
    await signIn();
    await store.client.signOut();
    await eventually(() => expect(store.read().state).toBe('signed_out'));
    expect(store.read()).toEqual({
      state: 'signed_out',
      userId: null,
      claims: null,
      reason: 'signed_out',
    });
  });

  it('forgets the reason with the next sign-in', async () => {
    await signIn();
    await store.client.signOut();
    await signIn();
    expect(store.read()).toMatchObject({ state: 'active', userId: USER, reason: null });
  });

  it('is of the person who signs in in another’s place, and never half of each', async () => {
    await signIn();
    const other = '0d9c5f0e-8a55-4f0c-b1f5-0a6f7f1b2c3d';
    const seen: (string | null)[] = [];
    store.subscribe(() => seen.push(store.read().userId));
    await store.client.start(await service.create({ client_id: APP, user_id: other }));
    await eventually(() => expect(store.read().userId).toBe(other));
    // Nobody’s in between, where the view came before the claims.
    expect(new Set(seen.filter((person) => person !== null))).toEqual(new Set([other]));
  });
});

it('two providers of one client, or of one function, share a store', () => {
  const open = openSession();
  expect(toStore(open)).toBe(toStore(open));
  expect(toStore(open)).not.toBe(toStore(openSession()));
});

it('who has stopped listening is told nothing', async () => {
  const heard = vi.fn();
  store.subscribe(heard)();
  await signIn();
  expect(heard).not.toHaveBeenCalled();
});
