/**
 * The client whose refresh token is in a cookie and whose access token is in its memory alone, for
 * apps whose API is on another host: what goes where, and what a page on another site is told.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createSessionClient,
  type MemoryClientOptions,
  SessionUnavailableError,
} from '../../src/client/browser';
import { withStepUp } from '../../src/client/browser/step-up';
import { eventually } from '../eventually';
import { ISSUER, type TestService } from '../fixtures';
import {
  type Jar,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  readSetCookies,
  signIn,
  startWithBrowsers,
  WEB,
} from '../http/browser/browser';

const API = 'https://api.sessions.example';
const OUTSIDE = 'https://other.example';
const APP = { client_id: MEMORY_WEB, browser: { return_url: MEMORY_ORIGIN } };

interface Sent {
  url: string;
  authorization: string | null;
  credentials: string | undefined;
  redirect: string | undefined;
}

let service: TestService;
let jar: Jar;
let sent: Sent[];
/** The answer of the API; null: 401 without a token that the service takes. */
let answer: ((request: Request) => Response | Promise<Response>) | null;
let site: string;
const opened: { close(): void }[] = [];

beforeEach(async () => {
  service = await startWithBrowsers();
  ({ jar } = await signIn(service, APP));
  service.advance(31);
  [sent, answer, site] = [[], null, 'same-site'];
});
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});

/**
 * Sends as a browser does: the service's cookies to the service alone, where they are asked for.
 */
const send: typeof fetch = async (input, init = {}) => {
  const { keepalive, credentials, ...rest } = init as RequestInit & {
    keepalive?: boolean;
    credentials?: string;
  };
  const request = new Request(input as RequestInfo, rest);
  const authorization = request.headers.get('authorization');
  sent.push({ url: request.url, authorization, credentials, redirect: init.redirect });
  const { pathname, origin } = new URL(request.url);
  if (origin !== ISSUER) {
    if (answer) return answer(request);
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
    return service.bearer('GET', '/v1/sessions/current', token);
  }
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const isSent = credentials === 'include' && site === 'same-site' && cookie !== '';
  const headers = new Headers(request.headers);
  headers.set('origin', MEMORY_ORIGIN);
  headers.set('sec-fetch-site', site);
  if (isSent) headers.set('cookie', cookie);
  const { method } = request;
  const body = method === 'GET' ? null : await request.text();
  const response = await service.request(pathname, { method, headers, body });
  for (const { name, value, attributes } of readSetCookies(response))
    if (attributes['max-age'] === '0') jar.delete(name);
    else jar.set(name, value);
  return response;
};

function open(options: Partial<MemoryClientOptions> = {}) {
  const client = createSessionClient({
    mode: 'memory',
    baseUrl: ISSUER,
    resources: [API],
    fetch: send,
    now: () => service.clock.now,
    ...options,
  });
  opened.push(client);
  return client;
}

const refreshes = () => sent.filter(({ url }) => url.endsWith('/browser/refresh'));
const calls = () => sent.filter(({ url }) => url.startsWith(API));

describe('in the mode memory', () => {
  it('five calls to the API cost one refresh, and go out as Bearer without cookies', async () => {
    const client = open();
    for (let call = 0; call < 5; call += 1)
      expect((await client.fetch(`${API}/things`)).status).toBe(200);
    expect(refreshes()).toHaveLength(1);
    expect(refreshes()[0]).toMatchObject({ credentials: 'include', authorization: null });
    for (const { authorization, credentials, redirect } of calls()) {
      expect(authorization).toMatch(/^Bearer eyJ/);
      expect({ credentials, redirect }).toEqual({ credentials: undefined, redirect: 'manual' });
    }
    expect(client.session).toBe('active');
  });

  it('five calls at once cost one refresh too', async () => {
    const client = open();
    const all = await Promise.all(Array.from({ length: 5 }, () => client.fetch(`${API}/things`)));
    expect(all.map(({ status }) => status)).toEqual(Array(5).fill(200));
    expect(refreshes()).toHaveLength(1);
    expect(calls()).toHaveLength(5);
  });

  it('the token goes to nobody else', async () => {
    answer = () => new Response();
    const client = open();
    await client.refresh();
    await client.fetch(`${OUTSIDE}/things`);
    expect(sent.at(-1)).toMatchObject({ url: `${OUTSIDE}/things`, authorization: null });
  });

  it('several APIs of one audience share the token and its refreshes, each told of by itself', async () => {
    const orders = 'https://orders.api.test/v2';
    answer = () => new Response();
    const client = open({ resources: [API, orders] });
    const urls = [`${API}/things`, `${orders}/open`, `${orders}/closed`];
    for (const url of urls) await client.fetch(url);
    const [first, ...others] = sent.filter(({ url }) => urls.includes(url));
    expect(first?.authorization).toMatch(/^Bearer eyJ/);
    expect(others.map(({ authorization }) => authorization)).toEqual(
      Array(2).fill(first?.authorization),
    );
    expect(refreshes()).toHaveLength(1);
    // Neither the rest of that host, nor its neighbours, nor one that only begins like it.
    for (const url of ['https://orders.api.test/v20', 'https://api.test/', `${API}.evil.test/`]) {
      await client.fetch(url);
      expect(sent.at(-1)).toMatchObject({ url, authorization: null, redirect: undefined });
    }
  });

  it('an API that refuses every token costs the other APIs nothing', async () => {
    const orders = 'https://orders.api.test';
    answer = ({ url }) => new Response(null, { status: url.startsWith(orders) ? 401 : 200 });
    const client = open({ resources: [API, orders] });
    for (let call = 0; call < 5; call += 1) {
      expect((await client.fetch(`${orders}/open`)).status).toBe(401);
      expect((await client.fetch(`${API}/things`)).status).toBe(200);
    }
    expect(refreshes()).toHaveLength(2);
  });

  it('the token is given out to who asks for it, and is another one after its life', async () => {
    const client = open();
    const first = await client.getAccessToken();
    expect(first).toMatch(/^eyJ/);
    expect(await client.getAccessToken()).toBe(first);
    service.advance(300);
    expect(await client.getAccessToken()).not.toBe(first);
    expect(refreshes()).toHaveLength(2);
  });

  it('without a session the API is asked without a token, after one refresh', async () => {
    jar.clear();
    const client = open();
    for (let call = 0; call < 5; call += 1) await client.fetch(`${API}/things`);
    expect(client.session).toBe('signed_out');
    expect(await client.getAccessToken()).toBe(null);
    expect(refreshes()).toHaveLength(1);
    for (const { authorization, credentials } of calls())
      expect({ authorization, credentials }).toEqual({
        authorization: null,
        credentials: undefined,
      });
  });

  it('signing out removes the cookie and the token', async () => {
    const client = open();
    await client.refresh();
    await client.signOut();
    expect([jar.size, client.session, await client.getAccessToken()]).toEqual([
      0,
      'signed_out',
      null,
    ]);
  });

  it('a page on another site is told that its cookies are kept from it, and not signed out', async () => {
    site = 'cross-site';
    const reasons: unknown[] = [];
    const onError = vi.fn();
    const client = open({ onError });
    client.onSignedOut((reason) => reasons.push(reason));
    const failure = await client.refresh().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SessionUnavailableError);
    expect(failure).toMatchObject({ code: 'third_party_cookies_blocked' });
    expect([client.session, reasons]).toEqual(['unknown', []]);
    // The page itself looks for a session too, and nobody waits for that.
    await eventually(() =>
      expect(onError).toHaveBeenCalledWith(
        expect.objectContaining({ code: 'third_party_cookies_blocked' }),
      ),
    );
  });

  it('an app that is not configured so has no token, and hears that nothing was decided', async () => {
    const clients = JSON.parse(service.env.CLIENTS ?? '[]') as { client_id: string }[];
    const plain = clients.map((one) =>
      one.client_id === MEMORY_WEB ? { ...one, access_token: 'cookie' } : one,
    );
    service = await startWithBrowsers({ CLIENTS: JSON.stringify(plain) }, service.clock);
    const client = open({
      after: (_, task) => {
        queueMicrotask(task);
        return () => {};
      },
    });
    await expect(client.refresh()).rejects.toThrow(SessionUnavailableError);
    expect(client.session).toBe('unknown');
    expect(plain.some(({ client_id }) => client_id === WEB)).toBe(true);
  });
});

describe('a resource that asks for a stronger sign-in (RFC 9470 §3)', () => {
  const CHALLENGE = 'Bearer error="insufficient_user_authentication", max_age="300"';
  const challenge = () =>
    new Response(null, { status: 401, headers: { 'www-authenticate': CHALLENGE } });
  let isStrong: boolean;
  let bodies: string[];

  beforeEach(() => {
    [isStrong, bodies] = [false, []];
    answer = async (request) => {
      bodies.push(await request.text());
      return isStrong ? new Response('done') : challenge();
    };
  });
  const authenticate = async () => {
    isStrong = true;
    return true;
  };

  it('is sent again as the Request that it was', async () => {
    const fetch = withStepUp(open(), authenticate);
    const request = new Request(`${API}/pay`, { method: 'POST', body: 'ten' });
    expect((await fetch(request)).status).toBe(200);
    expect(bodies).toEqual(['ten', 'ten']);
  });

  it('is answered once the person has authenticated, by the refreshed token', async () => {
    const onStepUp = vi.fn(authenticate);
    const client = open();
    const fetch = withStepUp(client, onStepUp);
    const response = await fetch(`${API}/pay`, { method: 'POST', body: 'ten' });
    expect(await response.text()).toBe('done');
    expect(onStepUp.mock.calls).toEqual([[CHALLENGE]]);
    expect(bodies).toEqual(['ten', 'ten']);
    const [before, after] = calls().map(({ authorization }) => authorization);
    expect(after).not.toBe(before);
    expect(refreshes()).toHaveLength(2);
  });

  it('asks the person once for five requests at a time', async () => {
    const onStepUp = vi.fn(async () => {
      await eventually(() => expect(bodies).toHaveLength(5));
      return authenticate();
    });
    const client = open();
    const fetch = withStepUp(client, onStepUp);
    const all = await Promise.all(Array.from({ length: 5 }, () => fetch(`${API}/pay`)));
    expect(all.map(({ status }) => status)).toEqual(Array(5).fill(200));
    expect(onStepUp).toHaveBeenCalledTimes(1);
    expect(refreshes()).toHaveLength(2);
  });

  it('that answers late, after the person has authenticated for another, asks nobody', async () => {
    const onStepUp = vi.fn(authenticate);
    const fetch = withStepUp(open(), onStepUp);
    const quick = answer as NonNullable<typeof answer>;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    answer = async (request) => {
      if (!request.url.endsWith('/slow')) return quick(request);
      const response = await quick(request);
      await held;
      return response;
    };
    const late = fetch(`${API}/slow`);
    await eventually(() => expect(bodies).toHaveLength(1));
    expect((await fetch(`${API}/pay`)).status).toBe(200);
    letGo();
    expect((await late).status).toBe(200);
    expect(onStepUp).toHaveBeenCalledTimes(1);
  });

  it('is asked once more, not for ever', async () => {
    const onStepUp = vi.fn(async () => true);
    const client = open();
    const fetch = withStepUp(client, onStepUp);
    expect((await fetch(`${API}/pay`)).status).toBe(401);
    expect(calls()).toHaveLength(2);
  });

  it('is the answer where the person declines, where nobody is asked, and to a stream', async () => {
    const client = open();
    const decline = withStepUp(client, async () => false);
    expect((await decline(`${API}/pay`)).status).toBe(401);
    expect((await client.fetch(`${API}/pay`)).status).toBe(401);
    const onStepUp = vi.fn(authenticate);
    const body = new Blob(['text']).stream();
    const streaming = withStepUp(client, onStepUp);
    expect((await streaming(`${API}/pay`, { method: 'POST', body })).status).toBe(401);
    expect(onStepUp).not.toHaveBeenCalled();
    expect(calls()).toHaveLength(3);
  });

  it('asks again the next time, also after a failure', async () => {
    const onStepUp = vi.fn(authenticate).mockRejectedValueOnce(new Error('closed'));
    const client = open();
    const fetch = withStepUp(client, onStepUp);
    await expect(fetch(`${API}/pay`)).rejects.toThrow('closed');
    expect((await fetch(`${API}/pay`)).status).toBe(200);
    expect(onStepUp).toHaveBeenCalledTimes(2);
  });

  it('is waited for no longer than the request is wanted', async () => {
    const controller = new AbortController();
    const fetch = withStepUp(open(), () => {
      setTimeout(() => controller.abort(new Error('gone')));
      return new Promise(() => {});
    });
    const wanted = fetch(`${API}/pay`, { signal: controller.signal });
    await expect(wanted).rejects.toThrow('gone');
  });
});
