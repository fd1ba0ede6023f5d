/** Too many refreshes, counted by the real bindings of wrangler.toml. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { startService } from '../fixtures';

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

/** An address that no other test counts for. */
const someIpv4 = () => `198.18.${random()}.${random()}`;
const someIpv6Network = () => `2001:db8:${random().toString(16)}:${random().toString(16)}`;
const random = () => crypto.getRandomValues(new Uint8Array(1))[0] as number;

describe('failed refreshes from one address (P-05, threat 49)', () => {
  it('beyond the limit are told 429 and when to retry; a good refresh from there succeeds, and so does any elsewhere', async () => {
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
  });

  it('IPv6 counts by the /64, which one subscriber has', async () => {
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

  it('a caller that writes X-Forwarded-For counts for its own address (threat 21)', async () => {
    const service = await startService(LIMITS);
    const address = someIpv4();
    for (let failure = 0; failure < FAILURES; failure += 1) {
      await service.refresh(FORGED, 'app', { address, headers: { 'x-forwarded-for': someIpv4() } });
    }
    expect((await service.refresh(FORGED, 'app', { address })).status).toBe(429);
  });
});

describe('refreshes of one session', () => {
  it('beyond the limit are told 429 without a question to the database; other sessions are refreshed', async () => {
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
  });
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
