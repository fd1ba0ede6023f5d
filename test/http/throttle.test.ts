/** Too many failures and refreshes, counted by the real bindings of wrangler.toml. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, OTHER_BACKEND, startService } from '../fixtures';
import { inOnePeriod } from './limit-period';

const { RATE_LIMIT_SESSION_REFRESHES, RATE_LIMIT_FAILED_REFRESHES } = env;
const LIMITS = { RATE_LIMIT_SESSION_REFRESHES, RATE_LIMIT_FAILED_REFRESHES } as Required<
  Pick<typeof env, 'RATE_LIMIT_SESSION_REFRESHES' | 'RATE_LIMIT_FAILED_REFRESHES'>
>;
/** As in wrangler.toml. */
const FAILURES = 60;
const REFRESHES = 300;
const FORGED = 'v2.forged';

beforeEach(() => {
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const USUAL_MS = 8_000;
/** A test of what is counted. */
const counted = (name: string, test: () => Promise<void>) => it(name, inOnePeriod(USUAL_MS, test));

/** An address that no other test counts for. */
const someIpv4 = () => `198.18.${random()}.${random()}`;
const someIpv6Network = () => `2001:db8:${random().toString(16)}:${random().toString(16)}`;
const random = () => crypto.getRandomValues(new Uint8Array(1))[0] as number;

describe('failed refreshes from one address', () => {
  counted(
    'beyond the limit are told 429 and when to retry; a good refresh from there succeeds, and so does any elsewhere',
    async () => {
      const service = await startService(LIMITS);
      const from = { address: someIpv4() };
      for (let failure = 0; failure < FAILURES; failure += 1) {
        expect((await service.refresh(FORGED, 'app', from)).body.error).toBe('invalid_grant');
      }
      const { status, body, headers } = await service.refresh(FORGED, 'app', from);
      expect({ status, body }).toEqual({
        status: 429,
        body: {
          error: 'temporarily_unavailable',
          error_description: 'Too many requests; retry later',
        },
      });
      expect(headers.get('retry-after')).toBe('60');
      const { refresh_token } = await service.create();
      expect((await service.refresh(refresh_token, 'app', from)).status).toBe(200);
      expect((await service.refresh(FORGED, 'app', { address: someIpv4() })).status).toBe(400);
      expect((await service.refresh(FORGED, 'other-app', from)).status).toBe(400);
    },
  );

  counted('IPv6 counts by the /64, which one subscriber has', async () => {
    const service = await startService(LIMITS);
    const network = someIpv6Network();
    for (let failure = 0; failure < FAILURES; failure += 1) {
      await service.refresh(FORGED, 'app', { address: `${network}::${failure.toString(16)}` });
    }
    expect((await service.refresh(FORGED, 'app', { address: `${network}:ffff::1` })).status).toBe(
      429,
    );
    expect(
      (await service.refresh(FORGED, 'app', { address: `${someIpv6Network()}::1` })).status,
    ).toBe(400);
  });

  counted('a caller that writes X-Forwarded-For counts for its own address', async () => {
    const service = await startService(LIMITS);
    const address = someIpv4();
    for (let failure = 0; failure < FAILURES; failure += 1) {
      await service.refresh(FORGED, 'app', { address, headers: { 'x-forwarded-for': someIpv4() } });
    }
    expect((await service.refresh(FORGED, 'app', { address })).status).toBe(429);
  });
});

describe('failed client authentications (RFC 6749 §2.3.1: brute force)', () => {
  const WRONG = 'not-the-secret-of-the-tests';

  it.each([
    ['an API route', '/v1/homes', 'too_many_requests', { method: 'GET' }],
    [
      'the OAuth endpoints',
      '/oauth/introspect',
      'temporarily_unavailable',
      { method: 'POST', body: new URLSearchParams({ token: FORGED }) },
    ],
  ])(
    'of %s, beyond the limit, are told 429; the right secret from there succeeds, and other clients and addresses count for themselves',
    inOnePeriod(USUAL_MS, async (_, path, code, init) => {
      const service = await startService(LIMITS);
      const address = someIpv4();
      const ask = (client: { id: string; secret: string }, from = address) =>
        service.request(path, {
          ...init,
          headers: { authorization: basic(client), 'cf-connecting-ip': from },
        });
      for (let failure = 0; failure < FAILURES; failure += 1)
        expect((await ask({ ...BACKEND, secret: WRONG })).status).toBe(401);
      const refused = await ask({ ...BACKEND, secret: WRONG });
      const { code: told, error } = await refused.json<{ code?: string; error?: string }>();
      expect({ status: refused.status, told: told ?? error }).toEqual({ status: 429, told: code });
      expect(refused.headers.get('retry-after')).toBe('60');
      expect((await ask(BACKEND)).status).toBe(200);
      expect((await ask({ ...OTHER_BACKEND, secret: WRONG })).status).toBe(401);
      expect((await ask({ ...BACKEND, secret: WRONG }, someIpv4())).status).toBe(401);
    }),
  );

  counted(
    'count for each client that is claimed, so that the limit does not tell which exist',
    async () => {
      const service = await startService(LIMITS);
      const address = someIpv4();
      const fail = async (id: string) => {
        const headers = {
          authorization: basic({ id, secret: WRONG }),
          'cf-connecting-ip': address,
        };
        return (await service.request('/v1/homes', { headers })).status;
      };
      for (let failure = 0; failure < FAILURES; failure += 1)
        expect(await fail('nobody')).toBe(401);
      expect(await fail('nobody')).toBe(429);
      expect(await fail('nobody-else')).toBe(401);
      expect(await fail(BACKEND.id)).toBe(401);
    },
  );

  counted('with what no client could be called count together', async () => {
    const service = await startService(LIMITS);
    const address = someIpv4();
    const fail = async (authorization: string) => {
      const headers = { authorization, 'cf-connecting-ip': address };
      return (await service.request('/v1/homes', { headers })).status;
    };
    for (let failure = 0; failure < FAILURES; failure += 1) {
      const id = `no client ${failure}`;
      expect(await fail(failure % 2 ? 'Basic !' : basic({ id, secret: WRONG }))).toBe(401);
    }
    expect(await fail('Basic !')).toBe(429);
    expect(await fail(basic({ id: 'nor is this', secret: WRONG }))).toBe(429);
  });
});

describe('refreshes of one session', () => {
  counted(
    'beyond the limit are told 429 without a question to the database; other sessions are refreshed',
    async () => {
      const service = await startService(LIMITS);
      const [busy, other] = [await service.create(), await service.create()];
      for (let refresh = 0; refresh < REFRESHES; refresh += 1) {
        expect((await service.refresh(busy.refresh_token)).status).toBe(200);
      }
      service.database.roundTrips = 0;
      const { status, headers } = await service.refresh(busy.refresh_token);
      expect({ status, retryAfter: headers.get('retry-after') }).toEqual({
        status: 429,
        retryAfter: '60',
      });
      expect(service.database.roundTrips).toBe(0);
      expect((await service.refresh(other.refresh_token)).status).toBe(200);
    },
  );
});

it.each([
  ['no binding', {}],
  [
    'a binding that does not answer',
    {
      RATE_LIMIT_SESSION_REFRESHES: { limit: () => Promise.reject(new Error('internal error')) },
      RATE_LIMIT_FAILED_REFRESHES: { limit: () => Promise.reject(new Error('internal error')) },
    },
  ],
])('%s limits nothing', async (_, bindings) => {
  const service = await startService(bindings);
  const address = someIpv4();
  for (let failure = 0; failure <= FAILURES; failure += 1) {
    expect((await service.refresh(FORGED, 'app', { address })).status).toBe(400);
  }
  const { refresh_token } = await service.create();
  expect((await service.refresh(refresh_token)).status).toBe(200);
});

describe('the bindings', () => {
  const texts = import.meta.glob(
    '../../{src/env.ts,docs/security-log.md,wrangler.toml,examples/own-worker/wrangler.toml}',
    { query: '?raw', eager: true, import: 'default' },
  );
  const text = (name: string) =>
    Object.entries(texts).find(([path]) => path.endsWith(name))?.[1] as string;
  const names = [...text('src/env.ts').matchAll(/(RATE_LIMIT_\w+)\?/g)].map(([, name]) => name);
  const limits = { RATE_LIMIT_SESSION_REFRESHES: REFRESHES, RATE_LIMIT_FAILED_REFRESHES: FAILURES };

  it('that the service knows are those of both wrangler.toml, with the limits that the docs tell', () => {
    expect(names.sort()).toEqual(Object.keys(limits).sort());
    for (const [name, limit] of Object.entries(limits)) {
      expect(text('security-log.md')).toContain(`| \`${name}\` | ${limit} |`);
      for (const file of ['../../wrangler.toml', 'own-worker/wrangler.toml'])
        expect(text(file)).toMatch(
          new RegExp(
            `name = "${name}"\nnamespace_id = "\\d+"\nsimple = { limit = ${limit}, period = 60 }`,
          ),
        );
    }
  });
});
