/**
 * A mistake in one client's entry, in production: that client is refused and has nothing, the
 * others work, and it is told loudly.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../src/faults';
import {
  APP,
  BACKEND,
  basic,
  clientsWith,
  sha256Hex,
  startService,
  type TestService,
} from '../fixtures';
import { USER } from '../people';
import {
  handOff,
  type Jar,
  OTHER_WEB,
  RETURN_URL,
  start as redeem,
  send,
  signIn,
  startWithBrowsers,
  WEB,
} from './browser/browser';

const BROKEN = { id: 'broken', secret: 'broken-secret-of-the-tests' };
const BROKEN_PAGE = 'https://broken.example';

let errors: Record<string, unknown>[];
beforeEach(() => {
  errors = [];
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((line) => {
      if (level === 'error') errors.push(JSON.parse(line));
    });
  return () => vi.restoreAllMocks();
});

/** The clients of the tests, and these. */
async function startWith(entries: unknown[], variables: Record<string, unknown> = {}) {
  const { CLIENTS } = (await startService()).env;
  const all = [...JSON.parse(CLIENTS ?? '[]'), ...entries];
  return startService({ CLIENTS: JSON.stringify(all), ...variables });
}

const broken = async (more: Record<string, unknown>) => ({
  client_id: BROKEN.id,
  secret_sha256: await sha256Hex(BROKEN.secret),
  allow: ['create_sessions', 'introspect'],
  ...more,
});

const othersWork = async (service: TestService) => {
  const { refresh_token } = await service.create({ client_id: APP });
  expect((await service.refresh(refresh_token)).status).toBe(200);
};

describe('a client whose entry has a mistake', () => {
  it.each([
    ['a capability that there is not', { allow: ['everything'] }],
    ['a member that there is not', { secret: 'x' }],
    ['an origin with a path', { origins: [`${BROKEN_PAGE}/a`] }],
    ['a client that is not there', { for_clients: ['nobody'] }],
    ['no capability', { allow: undefined }],
    ['no hash', { secret_sha256: 'x' }],
  ])('%s: it is refused with 503, and the others work', async (_, more) => {
    const service = await startWith([await broken(more)]);
    expect(errors).toEqual([
      {
        level: 'error',
        event: 'client_refused',
        client_id: BROKEN.id,
        mistakes: [expect.any(String)],
      },
    ]);
    await othersWork(service);
    const headers = { authorization: basic(BROKEN) };
    const viaBasic = await service.request('/v1/sessions', { method: 'POST', headers });
    const viaForm = await service.form('/oauth/introspect', {
      token: 'x',
      client_id: BROKEN.id,
      client_secret: BROKEN.secret,
    });
    for (const response of [viaBasic, viaForm]) {
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('30');
      expect(await response.json()).toMatchObject({ code: 'config_invalid' });
    }
    expect(await (await service.request('/healthz')).json()).toEqual({
      status: 'degraded',
      refused_clients: 1,
      last_cleanup_at: null,
    });
  });

  it.each([
    { return_urls: ['http://x'] },
    { allow: ['sign_in'] },
    { return_urls: [BROKEN_PAGE], for_clients: [APP] },
  ])('has no origin, not even a good one beside the mistake: %j', async (mistake) => {
    const service = await startWith([{ client_id: BROKEN.id, origins: [BROKEN_PAGE], ...mistake }]);
    expect(errors).toMatchObject([{ client_id: BROKEN.id }]);
    for (const path of ['/oauth/token', '/browser/refresh']) {
      const headers = { origin: BROKEN_PAGE, 'access-control-request-method': 'POST' };
      const response = await service.request(path, { method: 'OPTIONS', headers });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.headers.get('access-control-allow-origin')).toBe(null);
    }
  });

  it.each([
    ['twice in the list', [{ client_id: 'x' }, { client_id: 'x' }], ['x']],
    [
      'with another’s secret',
      [
        { client_id: 'a', secret_sha256: 'f'.repeat(64), allow: [] },
        { client_id: 'b', secret_sha256: 'F'.repeat(64), allow: [] },
      ],
      ['a', 'b'],
    ],
    ['without an id', [{ clientid: 'x' }], [' 4']],
    ['that is no object', ['x', null], [' 4', ' 5']],
  ])('%s: whoever it could be is refused, and nobody else', async (_, entries, ids) => {
    const service = await startWith(entries);
    expect(errors.map(({ client_id }) => client_id)).toEqual(ids);
    await othersWork(service);
  });

  it('with a member twice: that client alone', async () => {
    const { CLIENTS } = (await startService()).env;
    const text = `${CLIENTS?.slice(0, -1)},{"client_id":"x","allow":["refresh"],"allow":["sign_in"]}]`;
    const service = await startService({ CLIENTS: text });
    expect(errors).toMatchObject([
      { client_id: 'x', mistakes: ['CLIENTS: an object has "allow" twice'] },
    ]);
    await othersWork(service);
  });

  it('does not take those with it that name it', async () => {
    const { env } = await startService();
    const backend = { client_id: 'b', secret_sha256: 'e'.repeat(64), allow: ['create_sessions'] };
    const issuer = { issuer: 'https://id.example', audience: 'x', clients: ['web'] };
    const all = [
      ...JSON.parse(env.CLIENTS ?? '[]'),
      { ...backend, for_clients: ['web'], browser_clients: ['web'] },
      { client_id: 'web', origins: ['x'] },
    ];
    const service = await startService({
      CLIENTS: JSON.stringify(all),
      TRUSTED_ISSUERS: JSON.stringify([issuer]),
    });
    expect(errors.map(({ client_id }) => client_id)).toEqual(['web']);
    await othersWork(service);
  });

  it('is told at once on a developer’s machine, where nothing runs until it is mended', async () => {
    const entry = await broken({ allow: ['everything'] });
    await expect(startWith([entry], { ISSUER: 'http://localhost:8787' })).rejects.toThrow(
      ConfigError,
    );
    await expect(startWith([entry], { ISSUER: 'http://auth.localhost:8787' })).rejects.toThrow(
      /CLIENTS: 4.allow.0/,
    );
  });

  it.each(['{}', '"x"', '[', '{"client_id":"x"}'])(
    'a list that is none (%s) is no mistake of one client, and refuses the whole configuration',
    async (CLIENTS) => {
      await expect(startService({ CLIENTS })).rejects.toThrow(/CLIENTS/);
    },
  );
});

describe('the browser sessions of a client that is refused', () => {
  let service: TestService;
  let jar: Jar;
  let startUrl: string;
  beforeEach(async () => {
    const good = await startWithBrowsers();
    jar = (await signIn(good)).jar;
    startUrl = (await handOff(good)).browser.start_url;
    const mistaken = { return_urls: [RETURN_URL, 'http://x'] };
    service = await startService({ CLIENTS: clientsWith(good, WEB, mistaken) });
  });
  const own = {
    'sec-fetch-site': 'same-origin',
    'x-requested-with': 'x',
    origin: 'https://sessions.example',
  };

  it('are answered 503 and keep their cookies, so that nobody is signed out over it', async () => {
    const before = new Map(jar);
    for (const [method, path] of [
      ['POST', '/browser/refresh'],
      ['GET', '/browser/session'],
    ] as const) {
      const response = await send(service, jar, method, path, own);
      expect([path, response.status]).toEqual([path, 503]);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect(jar).toEqual(before);
    const started = await service.request(startUrl.slice('https://sessions.example'.length), {
      headers: { 'sec-fetch-site': 'none' },
    });
    expect(started.status).toBe(503);
    expect(started.headers.getSetCookie()).toEqual([]);
    const backend = await service.request('/browser/token', {
      method: 'POST',
      headers: {
        authorization: basic(BACKEND),
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    });
    expect(backend.status).toBe(503);
  });

  it('are ended by no page that was the client’s, nor by another app’s', async () => {
    for (const origin of ['https://app.sessions.example', 'https://other.sessions.example']) {
      const headers = { ...own, origin, 'sec-fetch-site': 'same-site' };
      await send(service, new Map(jar), 'POST', '/browser/sign-out', headers);
    }
    const mended = await startWithBrowsers();
    expect((await send(mended, jar, 'POST', '/browser/refresh', own)).status).toBe(200);
  });
});

describe('an account of a client that is refused, beside others of the browser', () => {
  const SEVERAL = { several_accounts: true };
  const other = {
    client_id: OTHER_WEB,
    browser: { return_url: 'https://other.sessions.example/' },
  };
  const start = async (more: object) => {
    const good = await startWithBrowsers();
    const several = { env: { CLIENTS: clientsWith(good, OTHER_WEB, SEVERAL) } } as TestService;
    return startService({ CLIENTS: clientsWith(several, WEB, { ...SEVERAL, ...more }) });
  };
  const userIds = async (service: TestService, jar: Jar) => {
    const answer = await send(service, jar, 'GET', '/browser/sessions');
    const { sessions } = (await answer.json()) as { sessions: { user_id: string }[] };
    return sessions.map(({ user_id }) => user_id);
  };

  it('stands in no other’s way, and is there again when the mistake is mended', async () => {
    const good = await start({});
    const [ada, bob, eve] = [1, 2, 3].map((n) => `7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c0${n}`);
    const { jar } = await signIn(good, { user_id: ada });
    const broken = await start({ return_urls: [RETURN_URL, 'http://x'] });
    for (const user_id of [bob, eve]) {
      const { browser } = await handOff(broken, { ...other, user_id });
      expect((await redeem(broken, jar, browser.start_url)).status).toBe(303);
    }
    expect(await userIds(broken, jar)).toEqual([bob, eve]);
    const page = await send(broken, jar, 'GET', '/account/accounts', { accept: 'text/html' });
    expect(page.status).toBe(200);
    expect(await userIds(good, jar)).toEqual([ada, bob, eve]);
  });

  it('gives no place to a sixth', async () => {
    const good = await start({});
    const { jar } = await signIn(good, { user_id: USER });
    const broken = await start({ return_urls: [RETURN_URL, 'http://x'] });
    const add = async (n: number) => {
      const user_id = `7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c2${n}`;
      const { browser } = await handOff(broken, { ...other, user_id });
      return (await redeem(broken, jar, browser.start_url)).status;
    };
    expect([await add(1), await add(2), await add(3), await add(4)]).toEqual([303, 303, 303, 303]);
    expect(await add(5)).toBe(409);
    expect(await userIds(good, jar)).toContain(USER);
  });
});
