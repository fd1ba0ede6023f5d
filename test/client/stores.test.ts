/**
 * The storages that apps give the client: those that take little, as expo-secure-store does, and
 * those that fail. The service is the real one.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createSessionClient,
  type TokenClientOptions,
  type TokenStorage,
} from '../../src/client/browser';
import { eventually } from '../eventually';
import { APP, ISSUER, readRow, startService, type TestService, type Tokens } from '../fixtures';

let service: TestService;
let tokens: Tokens;
let sent: string[];
let told: unknown[];
/** The service cannot be reached. */
let isOffline: boolean;
const opened: { close(): void }[] = [];

beforeEach(async () => {
  service = await startService();
  tokens = await service.create();
  [sent, told, isOffline] = [[], [], false];
});
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});

/** The app starts: what was in memory before is gone. */
function startApp(storage: TokenStorage, options: Partial<TokenClientOptions> = {}) {
  const client = createSessionClient({
    mode: 'token',
    baseUrl: ISSUER,
    clientId: APP,
    storage,
    onError: (error) => told.push(error),
    fetch: async (input, { keepalive: _, ...init }: RequestInit & { keepalive?: boolean } = {}) => {
      const request = new Request(input as RequestInfo, init);
      sent.push(new URL(request.url).pathname);
      if (isOffline) throw new TypeError('Network request failed');
      return service.app.fetch(request);
    },
    now: () => service.clock.now,
    ...options,
  });
  opened.push(client);
  return client;
}

/** What the app shows once it is known what the storage has. */
const seen = async (client: ReturnType<typeof startApp>) => {
  await eventually(() => expect(client.session).not.toBe('unknown'));
  return client.session;
};

type Failing = 'get' | 'set' | 'remove';

/** A store that does what it is asked, but for what fails. */
function openStore(...fails: Failing[]) {
  const values = new Map<string, string>();
  const fail = new Set(fails);
  const check = (what: Failing) => {
    if (fail.has(what)) throw new Error(`${what} failed`);
  };
  return {
    values,
    fail,
    get: async (key: string) => {
      check('get');
      return values.get(key) ?? null;
    },
    set: async (key: string, value: string) => {
      check('set');
      values.set(key, value);
    },
    remove: async (key: string) => {
      check('remove');
      values.delete(key);
    },
  };
}

/**
 * By the rules of expo-secure-store: a key is `/^[\w.-]+$/` (`isValidKey` of SecureStore.ts, of
 * version 10 as of 57), and a value has 2,048 bytes of UTF-8 at most (`VALUE_BYTES_LIMIT` of
 * byteCounter.ts, up to 14), which the keychains of some devices refuse more than.
 */
function openSecureStore() {
  const store = openStore();
  const checkKey = (key: string) => {
    if (!/^[\w.-]+$/.test(key)) throw new Error('Invalid key provided to SecureStore.');
  };
  return {
    ...store,
    get: async (key: string) => {
      checkKey(key);
      return store.get(key);
    },
    set: async (key: string, value: string) => {
      checkKey(key);
      if (new TextEncoder().encode(value).length > 2048) throw new Error('Value is too long');
      return store.set(key, value);
    },
    remove: async (key: string) => {
      checkKey(key);
      return store.remove(key);
    },
  };
}

describe('a store by the rules of expo-secure-store', () => {
  it('keeps the session over a start of the app, whose access token is used again', async () => {
    const storage = openSecureStore();
    await startApp(storage).start(tokens);
    const client = startApp(storage);
    expect(await client.getAccessToken()).toBe(tokens.access_token);
    expect(sent).toEqual([]);
    expect(told).toEqual([]);
  });

  it.each([
    ['ASCII', 'x'.repeat(1400)],
    ['of three bytes a character', '語'.repeat(460)],
    ['of which JSON escapes every character', '"'.repeat(690)],
  ])('keeps one whose claims are long, %s: a refresh gives them again', async (_, note) => {
    const storage = openSecureStore();
    const given = await service.create({ user_id: crypto.randomUUID(), claims: { note } });
    const before = startApp(storage);
    await before.start(given);
    service.advance(31);
    await before.refresh();
    expect(await before.getSession()).toMatchObject({ note });

    const client = startApp(storage);
    expect(await seen(client)).toBe('active');
    sent = [];
    expect(await client.getSession()).toMatchObject({ note, sid: given.session.id });
    expect(sent).toEqual(['/oauth/token']);
    expect(told).toEqual([]);
    expect((await readRow(given.session.id))?.revoked_at).toBe(null);
  });

  it('tells whose session it is, however early the app asks', async () => {
    const storage = openSecureStore();
    await startApp(storage).start(tokens);
    expect(await startApp(storage).getSession()).toMatchObject({ sid: tokens.session.id });
    expect(sent).toEqual(['/oauth/token']);
    // From then on it is stored.
    expect(await startApp(storage).getSession()).toMatchObject({ sid: tokens.session.id });
    expect(sent).toHaveLength(1);
  });

  it('is empty after a sign-out', async () => {
    const storage = openSecureStore();
    const client = startApp(storage);
    await client.start(tokens);
    await client.signOut();
    expect(storage.values.size).toBe(0);
    expect(await seen(startApp(storage))).toBe('signed_out');
  });

  it('keeps the sessions of two apps and of two services apart', async () => {
    const storage = openSecureStore();
    await startApp(storage).start(tokens);
    for (const other of [{ clientId: 'other' }, { baseUrl: `${ISSUER}/other` }])
      expect(await seen(startApp(storage, other))).toBe('signed_out');
  });
});

describe('a store that fails', () => {
  it.each<[string, boolean]>([
    ['the service was told', false],
    ['the service could not be told', true],
  ])('to remove at a sign-out brings nobody back at the next start: %s', async (_, isCut) => {
    const storage = openStore('remove');
    const client = startApp(storage);
    await client.start(tokens);
    isOffline = isCut;
    await client.signOut().catch(() => {});
    expect(client.session).toBe('signed_out');
    expect(told).toEqual([new Error('remove failed')]);

    sent = [];
    const next = startApp(storage);
    expect(await seen(next)).toBe('signed_out');
    expect(await next.getAccessToken()).toBe(null);
    expect(sent).toEqual([]);
    expect([...storage.values.values()].join()).not.toContain(tokens.refresh_token);
  });

  it('to remove when the service ends the session brings nobody back either', async () => {
    const storage = openStore('remove');
    const client = startApp(storage);
    await client.start(tokens);
    await service.bearer('DELETE', '/v1/sessions/current', tokens.access_token);
    expect(await client.refresh()).toBe('signed_out');
    expect(await seen(startApp(storage))).toBe('signed_out');
  });

  it('to remove and to write is tried again when the app wakes', async () => {
    const storage = openStore();
    const client = startApp(storage);
    await client.start(tokens);
    storage.fail.add('remove').add('set');
    await client.signOut();
    expect(told).toEqual([new Error('remove failed'), new Error('set failed')]);
    storage.fail.clear();
    client.wake();
    await eventually(() => expect(storage.values.size).toBe(0));
  });

  it('to write is told, and the session goes on in memory', async () => {
    const storage = openStore('set');
    const client = startApp(storage);
    await client.start(tokens);
    expect(told).not.toEqual([]);
    expect(told[0]).toEqual(new Error('set failed'));
    service.advance(301);
    expect(await client.getAccessToken()).not.toBe(null);
    storage.fail.clear();
    client.wake();
    await eventually(() => expect(storage.values.size).toBe(1));
    expect(await seen(startApp(storage))).toBe('active');
  });

  it('to write a new sign-in leaves nobody signed in as the person before', async () => {
    const storage = openStore();
    const client = startApp(storage);
    await client.start(tokens);
    storage.fail.add('set');
    await client.start(await service.create());
    expect(await seen(startApp(storage))).toBe('signed_out');
  });

  it('to write a refresh keeps what it has, which is the predecessor and good again', async () => {
    const storage = openStore();
    const client = startApp(storage);
    await client.start(tokens);
    storage.fail.add('set');
    service.advance(31);
    await client.refresh();
    const next = startApp(storage);
    expect(await seen(next)).toBe('active');
    expect(await next.refresh()).toBe('active');
    expect((await readRow(tokens.session.id))?.revoked_at).toBe(null);
  });

  it('to read is told, and nothing that it holds is lost', async () => {
    const storage = openStore();
    await startApp(storage).start(tokens);
    storage.fail.add('get');
    const client = startApp(storage);
    await eventually(() => expect(told).toContainEqual(new Error('get failed')));
    await seen(client);
    storage.fail.clear();
    client.wake();
    await eventually(() => expect(client.session).toBe('active'));
  });

  it('in everything costs an app that listens to no errors nothing', async () => {
    const storage = openStore('get', 'set', 'remove');
    const client = startApp(storage, { onError: undefined });
    await client.start(tokens);
    await client.signOut();
    expect(client.session).toBe('signed_out');
    expect((await readRow(tokens.session.id))?.revoked_reason).toBe('signed_out');
  });
});
