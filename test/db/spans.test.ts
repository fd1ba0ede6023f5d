/** Spans around what a request waits for, of the platform's real tracing. */
import { tracing } from 'cloudflare:workers';
import { beforeEach, expect, it, vi } from 'vitest';
import { APP, clientsWith, START, startService } from '../fixtures';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER } from '../http/provider';
import { endpoint, startTelling } from '../webhooks/receiver';

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** The spans that begin while something is done: the platform records them by this method. */
async function spansOf(work: () => Promise<unknown>): Promise<string[]> {
  const entered = vi.spyOn(tracing, 'enterSpan').mockClear();
  await work();
  // The platform's own have names like `d1_batch`.
  const own = ['home_transaction', 'webhook_delivery', 'issuer_keys'];
  return entered.mock.calls.map(([name]) => name).filter((name) => own.includes(name));
}

it('each round trip to D1 is one', async () => {
  const service = await startService();
  const { refresh_token } = await service.create();
  const before = service.database.roundTrips;
  const spans = await spansOf(async () =>
    expect((await service.refresh(refresh_token)).status).toBe(200),
  );
  expect(spans.length).toBeGreaterThan(0);
  expect(spans).toEqual(Array(service.database.roundTrips - before).fill('home_transaction'));
});

it('a forged token waits for nothing', async () => {
  const service = await startService();
  const { refresh_token } = await service.create();
  expect(await spansOf(() => service.refresh(`${refresh_token.slice(0, -4)}AAAA`))).toEqual([]);
});

it('a webhook’s delivery is one', async () => {
  const { service, receiver, runCron } = await startTelling([
    endpoint('team', { events: ['session_created'] }),
  ]);
  await service.create();
  const spans = await spansOf(runCron);
  expect(receiver.accepted.length).toBeGreaterThan(0);
  expect(spans.filter((name) => name === 'webhook_delivery')).toHaveLength(
    receiver.accepted.length,
  );
});

it('what fails in a span fails as without one', async () => {
  const service = await startService();
  const { refresh_token } = await service.create();
  service.database.faults = [{ before: 'away' }];
  const refreshed = await service.refresh(refresh_token);
  expect([refreshed.status, refreshed.body.error]).toEqual([503, 'temporarily_unavailable']);
});

it('asking an issuer for its keys is one, and known keys wait for nothing', async () => {
  const provider = await openProvider();
  const plain = await startService();
  const service = await startService(
    {
      CLIENTS: clientsWith(plain, APP, { allow: ['sign_in'] }),
      TRUSTED_ISSUERS: JSON.stringify([
        { issuer: PROVIDER, audience: CLIENT_AT_PROVIDER, nonce: 'optional' },
      ]),
    },
    { now: START },
    provider.send,
  );
  const signIn = async () => {
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: await provider.idToken(),
      client_id: APP,
    };
    expect((await service.form('/oauth/token', form)).status).toBe(200);
  };
  const asksOf = async () => (await spansOf(signIn)).filter((name) => name === 'issuer_keys');
  expect(await asksOf()).toEqual(['issuer_keys']);
  expect(await asksOf()).toEqual([]);
});
