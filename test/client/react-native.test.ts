/**
 * The client for apps with React Native's own `URL` in place of a browser's: which puts slashes at
 * the end of URLs, resolves no dots and, before 0.80, throws for `origin`. The service is the real
 * one, and runs with the real `URL`.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSessionClient, type TokenClientOptions } from '../../src/client/browser';
import { APP, ISSUER, readRow, startService, type TestService, type Tokens } from '../fixtures';
import * as own076 from './react-native/0.76.9/URL.js';
import * as own082 from './react-native/0.82.1/URL.js';
import * as own088 from './react-native/0.88.1/URL.js';
import * as polyfill from './react-native/react-native-url-polyfill-4.0.0/URL.js';

const WORKERD = { URL, URLSearchParams };
type Surroundings = typeof WORKERD;

interface Sent {
  url: string;
  authorization: string | null;
}

describe.each<[string, Surroundings]>([
  ["React Native 0.76's own URL", own076],
  ["React Native 0.82's own URL", own082],
  ["React Native 0.88's own URL", own088],
  ['react-native-url-polyfill', polyfill],
  ['the URL of workerd, as of browsers', WORKERD],
])('with %s', (_, surroundings) => {
  let service: TestService;
  let tokens: Tokens;
  let sent: Sent[];
  let opened: { close(): void } | undefined;

  beforeEach(async () => {
    service = await startService();
    tokens = await service.create();
    sent = [];
    Object.assign(globalThis, surroundings);
  });
  afterEach(() => {
    Object.assign(globalThis, WORKERD);
    opened?.close();
  });

  /** What runs on workerd, and not on the phone. */
  async function onService<T>(work: () => T | Promise<T>): Promise<T> {
    Object.assign(globalThis, WORKERD);
    try {
      return await work();
    } finally {
      Object.assign(globalThis, surroundings);
    }
  }

  /** Sends as React Native does: the URL as it is given, and a form as its text. */
  const send: typeof fetch = async (input, init = {}) => {
    const { keepalive, body, headers, ...rest } = init as RequestInit & { keepalive?: boolean };
    const isForm = body instanceof surroundings.URLSearchParams;
    const all = new Headers(headers);
    if (isForm) all.set('content-type', 'application/x-www-form-urlencoded');
    sent.push({ url: `${input}`, authorization: all.get('authorization') });
    return onService(() => {
      const content = isForm ? `${body}` : body;
      if (!`${input}`.startsWith(`${ISSUER}/`)) return new Response();
      return service.app.fetch(
        new Request(`${input}`, { ...rest, headers: all, body: content ?? null }),
      );
    });
  };

  function open(options: Partial<TokenClientOptions> = {}) {
    const client = createSessionClient({
      mode: 'token',
      baseUrl: ISSUER,
      clientId: APP,
      fetch: send,
      now: () => service.clock.now,
      ...options,
    });
    opened = client;
    return client;
  }

  it('a session begins, is refreshed and signed out', async () => {
    const client = open();
    await client.start(tokens);
    service.advance(31);
    expect(await client.refresh()).toBe('active');
    expect(await client.getAccessToken()).not.toBe(tokens.access_token);
    await client.signOut();
    expect(sent.map(({ url }) => url)).toEqual([`${ISSUER}/oauth/token`, `${ISSUER}/oauth/revoke`]);
    const row = await onService(() => readRow(tokens.session.id));
    expect(row?.revoked_reason).toBe('signed_out');
  });

  it('signOutEverywhere ends the sessions of the user', async () => {
    const user_id = crypto.randomUUID();
    const mine = await onService(() => service.create({ user_id }));
    const other = await onService(() => service.create({ user_id }));
    const client = open();
    await client.start(mine);
    await client.signOutEverywhere();
    for (const { session } of [mine, other]) {
      const row = await onService(() => readRow(session.id));
      expect(row?.revoked_at).not.toBe(null);
    }
  });

  it.each([
    'https://api.example/v1/cart?a=1',
    'https://api.example/v1/cart?next=/a/../b',
    'https://api.example/v1',
    'https://api.example/v1/cart#top',
    'https://api.example/v1/.well-known/..x/%2e%2ex',
    'https://api.example:8443/cart?a=1',
  ])('a URL of the API is sent as it is, with the token: %s', async (url) => {
    const client = open({ resources: ['https://api.example/v1', 'https://api.example:8443'] });
    await client.start(tokens);
    await client.fetch(url);
    expect(sent).toEqual([{ url, authorization: `Bearer ${tokens.access_token}` }]);
  });

  it('a path alone is one of the service', async () => {
    const client = open({ baseUrl: `${ISSUER}/` });
    await client.start(tokens);
    const { status } = await client.fetch('/v1/sessions?limit=2');
    expect(status).toBe(200);
    expect(sent.map(({ url }) => url)).toEqual([`${ISSUER}/v1/sessions?limit=2`]);
  });

  it.each([
    'https://api.example/v1/../admin',
    'https://api.example/v1/%2e%2e/admin',
    'https://api.example/v1/.%2E/admin?x',
    'https://api.example/v1/a/../../admin',
    'https://api.example/v1/..#x',
    'https://api.example/v1/..',
    'https://api.example/v1/..\\admin',
    'https://api.example/v1\\..\\admin',
    'https://api.example/v1/.\t./admin',
    'https://api.example/v1/..\n',
    'https://api.example@evil.example/v1/x',
    'https://api.example.evil.example/v1/x',
    'https://api.example\\@evil.example/v1/x',
    '//evil.example/v1/x',
    'http://api.example/v1/x',
    'https://api.example/v10',
  ])('no token leaves the prefix that it is for: %j', async (url) => {
    const client = open({ resources: ['https://api.example/v1'] });
    await client.start(tokens);
    await client.fetch(url).catch(() => {});
    expect(sent.filter(({ authorization }) => authorization)).toEqual([]);
  });
});
