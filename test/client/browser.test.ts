/** The client for apps against the real service; what fails is the network between them. */
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createSessionClient,
  type SessionState,
  SessionUnavailableError,
  type TokenClientOptions,
  type TokenStorage,
} from '../../src/client/browser';
import { eventually } from '../eventually';
import {
  APP,
  AUDIENCE,
  ISSUER,
  readRow,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';

type Fault =
  | 'drop before'
  | 'drop after'
  | { status: number; headers?: Record<string, string>; body?: string }
  | (() => Promise<Response>);

interface Network {
  fetch: typeof fetch;
  /** What happens to the next requests to the service's token endpoint, one each. */
  faults: Fault[];
  /** `<method> <path>` of what was sent. */
  sent: string[];
  /** Of each request: the Authorization header. */
  authorization: (string | null)[];
  /** Called when the service has answered and before the client hears it. */
  answered: (path: string) => unknown;
  /** Answers of resource servers, by URL. */
  resources: Record<string, (request: Request) => Response | Promise<Response>>;
}

let service: TestService;
let tokens: Tokens;
let network: Network;
const clients: { close(): void }[] = [];

beforeEach(async () => {
  service = await startService();
  tokens = await service.create();
  network = connect(service);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function connect(target: TestService): Network {
  const self: Network = {
    faults: [],
    sent: [],
    authorization: [],
    answered: () => {},
    resources: {},
    fetch,
  };
  self.fetch = async (input, init) => {
    const { keepalive, ...rest } = (init ?? {}) as RequestInit & { keepalive?: boolean };
    const request = new Request(input as RequestInfo, rest);
    const { pathname } = new URL(request.url);
    self.sent.push(`${request.method} ${pathname}`);
    self.authorization.push(request.headers.get('authorization'));
    const resource = self.resources[request.url];
    if (resource) return resource(request);
    const fault = pathname.startsWith('/oauth/') ? self.faults.shift() : undefined;
    if (fault === 'drop before') throw new TypeError('network');
    if (typeof fault === 'function') return fault();
    if (typeof fault === 'object') return new Response(fault.body, fault);
    const response = await target.app.fetch(request);
    await self.answered(pathname);
    if (fault === 'drop after') throw new TypeError('network');
    return response;
  };
  return self;
}

function memoryStorage(): TokenStorage & { text: string | null; writes: number } {
  return {
    text: null,
    writes: 0,
    get() {
      return this.text;
    },
    set(_, value) {
      this.writes += 1;
      this.text = value;
    },
    remove() {
      this.text = null;
    },
  };
}

function open(
  options: Partial<Parameters<typeof createSessionClient>[0]> &
    Partial<Pick<TokenClientOptions, 'storage' | 'accountAudience'>> = {},
) {
  const client = createSessionClient({
    baseUrl: ISSUER,
    mode: 'token',
    clientId: APP,
    fetch: network.fetch,
    now: () => service.clock.now,
    ...options,
  } as never) as ReturnType<typeof createSessionClient> &
    import('../../src/client/browser').TokenSessionClient;
  clients.push(client);
  return client;
}

const refreshes = () => network.sent.filter((line) => line === 'POST /oauth/token').length;
const API = `${ISSUER}/api/things`;

/** A resource server that wants a token which the service calls active right now. */
function protect(url: string) {
  network.resources[url] = async (request) => {
    const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    const answer = await service.bearer('GET', '/v1/sessions/current', token);
    return new Response(await request.text(), { status: answer.status });
  };
}

describe('refreshing', () => {
  it('gives the access token while it is fresh, and a new one when it has expired', async () => {
    const client = open();
    await client.start(tokens);
    expect(await client.getAccessToken()).toBe(tokens.access_token);
    expect(refreshes()).toBe(0);
    service.advance(301);
    expect(await client.getAccessToken()).not.toBe(tokens.access_token);
    expect(refreshes()).toBe(1);
  });

  it('runs once for any number of calls', async () => {
    const client = open();
    await client.start(tokens);
    service.advance(301);
    const got = await Promise.all(Array.from({ length: 20 }, () => client.getAccessToken()));
    expect(new Set(got).size).toBe(1);
    expect(refreshes()).toBe(1);
  });

  it('measures durations only: a device whose clock is ten years off works alike', async () => {
    const offset = 10 * 365 * 86_400_000;
    const client = open({ now: () => service.clock.now - offset });
    await client.start(tokens);
    await client.getAccessToken();
    expect(refreshes()).toBe(0);
    service.advance(301);
    await client.getAccessToken();
    expect(refreshes()).toBe(1);
    service.clock.now -= 3_600_000;
    // Set back, the clock says nothing of a token's age.
    await client.getAccessToken();
    expect(refreshes()).toBe(2);
  });

  it('happens ahead of expiry by itself', async () => {
    service = await startService({ ACCESS_TOKEN_TTL_SECONDS: '20', REFRESH_GRACE_SECONDS: '0' });
    network = connect(service);
    const given = await service.create();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const client = open();
    await client.start(given);
    const [tick, delay = 0] = timers.mock.calls.findLast(([, ms = 0]) => ms > 14_000) ?? [];
    timers.mockRestore();
    expect(delay).toBeGreaterThan(0);
    expect(delay).toBeLessThanOrEqual(19_000);
    expect(refreshes()).toBe(0);
    service.clock.now += Math.ceil(delay);
    (tick as () => void)();
    await eventually(async () =>
      expect(await client.getAccessToken()).not.toBe(given.access_token),
    );
    expect(refreshes()).toBe(1);
  });

  it('an aborted caller does not stop the refresh of the others', async () => {
    const client = open();
    await client.start(tokens);
    service.advance(301);
    const controller = new AbortController();
    network.answered = () => controller.abort(new Error('gone'));
    const [aborted, other] = await Promise.allSettled([
      client.getAccessToken({ signal: controller.signal }),
      client.getAccessToken(),
    ]);
    expect(aborted).toMatchObject({ status: 'rejected', reason: { message: 'gone' } });
    expect(other.status).toBe('fulfilled');
    expect(refreshes()).toBe(1);
  });
});

describe('a bad network', () => {
  it.each<[string, Fault[]]>([
    ['cut before the request', ['drop before']],
    ['cut after the answer', ['drop after']],
    ['cut three times', ['drop after', 'drop before', 'drop after']],
    ['503', [{ status: 503 }]],
    ['429 with Retry-After', [{ status: 429, headers: { 'retry-after': '1' } }]],
    [
      'a captive portal',
      [{ status: 200, body: '<html>', headers: { 'content-type': 'text/html' } }],
    ],
  ])('%s: the same token again, and nobody is signed out', async (_, faults) => {
    const client = open();
    await client.start(tokens);
    service.advance(301);
    network.faults = [...faults];
    expect(await client.getAccessToken()).not.toBe(null);
    expect(client.session).toBe('active');
    expect(refreshes()).toBe(faults.length + 1);
    expect((await readRow(tokens.session.id))?.revoked_at).toBe(null);
  });

  it('that lasts: calls reject as unavailable, the session stays, and works afterwards', async () => {
    const client = open();
    await client.start(tokens);
    service.advance(301);
    network.faults = Array.from({ length: 6 }, () => 'drop before' as const);
    await expect(client.getAccessToken()).rejects.toThrow(SessionUnavailableError);
    expect(client.session).toBe('active');
    network.faults = [];
    expect(await client.getAccessToken()).not.toBe(null);
  });

  it.each<[number, string]>([
    [400, '{"error":"invalid_request"}'],
    [401, '{"error":"invalid_client"}'],
    [403, ''],
    [404, '{"error":"invalid_grant"}'],
  ])('%d %s is no end of a session, and not tried again', async (status, body) => {
    const client = open();
    await client.start(tokens);
    network.faults = [{ status, body }];
    await expect(client.refresh()).rejects.toThrow(SessionUnavailableError);
    expect(client.session).toBe('active');
    expect(refreshes()).toBe(1);
  });

  it('a long Retry-After is honoured: no request before it, and no call that hangs', async () => {
    const client = open();
    await client.start(tokens);
    network.faults = [{ status: 503, headers: { 'retry-after': '120' } }];
    await expect(client.refresh()).rejects.toThrow(SessionUnavailableError);
    await expect(client.refresh()).rejects.toThrow(SessionUnavailableError);
    expect(refreshes()).toBe(1);
    service.advance(140);
    expect(await client.refresh()).toBe('active');
  });
});

describe('the end of a session', () => {
  it("comes with the service's reason, once", async () => {
    const storage = memoryStorage();
    const client = open({ storage });
    const reasons: (string | null)[] = [];
    const states: SessionState[] = [];
    client.onSignedOut((reason) => reasons.push(reason));
    client.onChange((state) => states.push(state));
    await client.start(tokens);
    await service.bearer('DELETE', '/v1/sessions/current', tokens.access_token);
    expect(await client.refresh()).toBe('signed_out');
    expect(await client.getAccessToken()).toBe(null);
    await Promise.resolve();
    expect(reasons).toEqual(['signed_out']);
    expect(states).toEqual(['active', 'signed_out']);
    expect(storage.text).toBe(null);
    expect(refreshes()).toBe(1);
  });

  it('signOut revokes at the service and forgets here', async () => {
    const storage = memoryStorage();
    const client = open({ storage });
    await client.start(tokens);
    expect(storage.text).toContain(tokens.refresh_token);
    await client.signOut();
    expect(client.session).toBe('signed_out');
    expect(storage.text).toBe(null);
    expect(await readRow(tokens.session.id)).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('signOut forgets here also when the service cannot be told, and says so', async () => {
    const storage = memoryStorage();
    const client = open({ storage });
    await client.start(tokens);
    network.faults = Array.from({ length: 6 }, () => 'drop before' as const);
    await expect(client.signOut()).rejects.toThrow(SessionUnavailableError);
    expect(client.session).toBe('signed_out');
    expect(storage.text).toBe(null);
  });

  it('signOutEverywhere ends the other sessions too', async () => {
    const userId = crypto.randomUUID();
    const [mine, other] = [
      await service.create({ user_id: userId }),
      await service.create({ user_id: userId }),
    ];
    const client = open();
    await client.start(mine);
    await client.signOutEverywhere();
    for (const { session } of [mine, other])
      expect((await readRow(session.id))?.revoked_at).not.toBe(null);
    expect(client.session).toBe('signed_out');
  });

  describe('where the account API has an audience of its own', () => {
    const accountAudience = 'https://sessions.example/account-api';
    const signInTwice = async () => {
      service = await startService({ ACCOUNT_AUDIENCE: accountAudience });
      network = connect(service);
      const user_id = crypto.randomUUID();
      return [await service.create({ user_id }), await service.create({ user_id })] as const;
    };
    const areLive = async (...sessions: Tokens[]) =>
      Promise.all(
        sessions.map(async ({ session }) => (await readRow(session.id))?.revoked_at === null),
      );

    it('signOutEverywhere asks for a token of it', async () => {
      const [mine, other] = await signInTwice();
      const client = open({ accountAudience });
      await client.start(mine);
      await client.signOutEverywhere();
      expect(await areLive(mine, other)).toEqual([false, false]);
      expect(client.session).toBe('signed_out');
    });

    it('signOutEverywhere without it changes nothing', async () => {
      const [mine, other] = await signInTwice();
      const client = open();
      await client.start(mine);
      await expect(client.signOutEverywhere()).rejects.toThrow(SessionUnavailableError);
      expect(await areLive(mine, other)).toEqual([true, true]);
      expect(client.session).toBe('active');
    });

    it('after one that failed, an API is sent a token of its own again', async () => {
      const [mine] = await signInTwice();
      const client = open({ accountAudience });
      await client.start(mine);
      network.resources[`${ISSUER}/v1/sessions/revoke-others`] = () =>
        new Response(null, { status: 503 });
      await expect(client.signOutEverywhere()).rejects.toThrow(SessionUnavailableError);
      network.resources[API] = (request) => {
        const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
        return new Response(null, { status: decodeJwt(token).aud === AUDIENCE ? 200 : 401 });
      };
      expect((await client.fetch(API)).status).toBe(200);
    });
  });

  it('a refresh in flight at sign-out stores nothing', async () => {
    const storage = memoryStorage();
    const client = open({ storage });
    await client.start(tokens);
    let signedOut = Promise.resolve();
    network.answered = (path) => {
      if (path === '/oauth/token') signedOut = client.signOut();
    };
    expect(await client.refresh()).toBe('signed_out');
    await signedOut;
    expect(client.session).toBe('signed_out');
    expect(storage.text).toBe(null);
    expect(await client.getAccessToken()).toBe(null);
  });

  it('a refresh in flight when another tab emptied the storage stores nothing', async () => {
    const storage = memoryStorage();
    const client = open({ storage });
    await client.start(tokens);
    network.answered = () => storage.remove('');
    expect(await client.refresh()).toBe('signed_out');
    expect(storage.text).toBe(null);
    expect(await client.getAccessToken()).toBe(null);
  });

  it('a new sign-in while a refresh is in flight is not overwritten by it', async () => {
    const client = open({ storage: memoryStorage() });
    await client.start(tokens);
    const next = await service.create();
    let started = Promise.resolve();
    network.answered = () => {
      network.answered = () => {};
      started = client.start(next);
      return started;
    };
    await client.refresh();
    await started;
    expect(await client.getAccessToken()).toBe(next.access_token);
  });
});

describe('two tabs over one storage', () => {
  it("a slow tab's older answer does not overwrite a newer one", async () => {
    const storage = memoryStorage();
    const [slow, quick] = [open({ storage }), open({ storage })];
    await slow.start(tokens);
    await quick.getAccessToken();
    await quick.refresh();
    let hold = true;
    network.answered = async () => {
      if (!hold) return;
      hold = false;
      await quick.refresh();
      service.advance(31);
      await quick.refresh();
    };
    await slow.refresh();
    const stored = JSON.parse(storage.text ?? '');
    expect(stored.step).toBe(3);
    expect(await slow.getAccessToken()).toBe(stored.access);
    service.advance(40);
    expect(await slow.refresh()).toBe('active');
    expect((await readRow(tokens.session.id))?.revoked_at).toBe(null);
  });

  it('invalid_grant for a token that was superseded meanwhile ends nothing: the newer one is used', async () => {
    const storage = memoryStorage();
    const [client, other] = [open({ storage }), open({ storage })];
    await client.start(tokens);
    await other.refresh();
    network.faults = [
      async () => {
        await other.refresh();
        return Response.json({ error: 'invalid_grant', reason: 'expired_idle' }, { status: 400 });
      },
    ];
    expect(await client.refresh()).toBe('active');
    expect(refreshes()).toBe(2);
    expect(client.session).toBe('active');
  });

  it('presents what the storage holds, however long it slept', async () => {
    const storage = memoryStorage();
    const [asleep, awake] = [open({ storage }), open({ storage })];
    await asleep.start(tokens);
    for (let step = 0; step < 3; step += 1) {
      await awake.refresh();
      service.advance(31);
    }
    service.advance(300);
    expect(await asleep.getAccessToken()).not.toBe(null);
    expect((await readRow(tokens.session.id))?.revoked_at).toBe(null);
  });

  it('storage that fails costs no session', async () => {
    const fail = () => {
      throw new Error('quota');
    };
    const client = open({ storage: { get: fail, set: fail, remove: fail } });
    await client.start(tokens);
    service.advance(301);
    expect(await client.getAccessToken()).not.toBe(null);
    await client.signOut();
    expect(client.session).toBe('signed_out');
  });
});

describe('fetch', () => {
  it.each([
    ['https://evil.example/', null],
    [`${ISSUER}.evil.example/`, null],
    [ISSUER.replace('https', 'http'), null],
    [`${ISSUER}:444/`, null],
    ['https://api.example/v1/x', 'Bearer'],
    ['https://api.example/v1', 'Bearer'],
    ['https://api.example/v1?x', 'Bearer'],
    ['https://api.example/v10', null],
    ['https://api.example/v1/../admin', null],
    ['https://api.example/v1/%2e%2e/admin', null],
    ['https://api.example:443/v1/x', 'Bearer'],
    ['https://api.example@evil.example/v1/x', null],
  ])('sends the token to allowed resources alone: %s', async (url, scheme) => {
    const client = open({ resources: [`${ISSUER}/`, 'https://api.example/v1'] });
    await client.start(tokens);
    network.resources[new URL(url).href] = () => new Response();
    await client.fetch(url);
    expect(network.authorization).toEqual([scheme && `Bearer ${tokens.access_token}`]);
  });

  it.each([301, 302, 303, 307, 308])('follows no %d with a token', async (status) => {
    const client = open();
    await client.start(tokens);
    network.resources[API] = () =>
      new Response(null, { status, headers: { location: 'https://evil.example/' } });
    await expect(client.fetch(API)).rejects.toThrow(TypeError);
    expect(network.sent).toEqual(['GET /api/things']);
    expect((await client.fetch(API, { redirect: 'manual' })).status).toBe(status);
  });

  it('after a 401: one refresh, one more try, with the same body', async () => {
    const client = open();
    await client.start({ ...tokens, access_token: 'refused' });
    protect(API);
    for (const request of [
      () => client.fetch(API, { method: 'POST', body: 'text' }),
      () => client.fetch(new Request(API, { method: 'POST', body: 'text' })),
    ]) {
      await client.start({ ...tokens, access_token: 'refused' });
      network.sent = [];
      const response = await request();
      expect([response.status, await response.text()]).toEqual([200, 'text']);
      expect(network.sent).toEqual(['POST /api/things', 'POST /oauth/token', 'POST /api/things']);
    }
  });

  it('a second 401 is the answer', async () => {
    const client = open();
    await client.start(tokens);
    network.resources[API] = () => new Response(null, { status: 401 });
    expect((await client.fetch(API)).status).toBe(401);
    expect(network.sent).toEqual(['GET /api/things', 'POST /oauth/token', 'GET /api/things']);
    expect(client.session).toBe('active');
  });

  it('20 calls that get a 401 share one refresh', async () => {
    const client = open();
    await client.start({ ...tokens, access_token: 'refused' });
    protect(API);
    const responses = await Promise.all(Array.from({ length: 20 }, () => client.fetch(API)));
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(refreshes()).toBe(1);
  });

  it('a stream is not sent again, but the next call has the new token', async () => {
    const client = open();
    await client.start({ ...tokens, access_token: 'refused' });
    protect(API);
    const stream = new Blob(['text']).stream();
    expect((await client.fetch(API, { method: 'POST', body: stream })).status).toBe(401);
    expect(network.sent).toEqual(['POST /api/things', 'POST /oauth/token']);
    expect((await client.fetch(API)).status).toBe(200);
  });

  it('an abort while it waits for the refresh rejects at once', async () => {
    const client = open();
    await client.start(tokens);
    service.advance(301);
    const controller = new AbortController();
    network.answered = () => controller.abort(new Error('gone'));
    await expect(client.fetch(API, { signal: controller.signal })).rejects.toThrow('gone');
    await client.refresh();
    expect(client.session).toBe('active');
    expect(network.sent).not.toContain('GET /api/things');
  });

  it('when signed out, a 401 is the answer, with no refresh', async () => {
    const client = open();
    network.resources[API] = () => new Response(null, { status: 401 });
    expect((await client.fetch(API)).status).toBe(401);
    expect(network.sent).toEqual(['GET /api/things']);
    expect(network.authorization).toEqual([null]);
  });
});
