/**
 * What is kept of an address: personal data, so as little as the deployment says, from the first
 * write on.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deriveKeyring } from '../../src/crypto';
import { parseAddress, toNetwork, toStoredAddress } from '../../src/risk/address';
import { runScheduled } from '../../src/scheduled';
import { type Caller, readRow, startService, type TestService } from '../fixtures';
import { USER } from '../people';
import { AT, UA } from './callers';

const GRACE = 30;
const SECRET = 'the-session-secret-of-the-tests-0123456789';
const OTHER_SECRET = 'another-session-secret-of-the-tests-987654';

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM idempotency_keys; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** Everything in the database, as text. */
async function dump(): Promise<string> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  ).all<{ name: string }>();
  const tables = await Promise.all(
    results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).all()),
  );
  return JSON.stringify(tables.map((table) => table.results));
}

/** A session that is seen at home, then in Lima. */
async function travel(service: TestService) {
  const created = await service.create(
    { user_id: USER, ip_address: AT.home.address, user_agent: UA.chrome() },
    { 'idempotency-key': crypto.randomUUID() },
  );
  service.advance(GRACE);
  const { body } = await service.refresh(created.refresh_token, 'app', {
    userAgent: UA.chrome(),
    ...AT.lima,
  });
  return { ...created, refresh_token: body.refresh_token };
}

describe('ADDRESS_STORAGE', () => {
  it.each([
    ['full', true, true],
    ['network', false, true],
    ['hash', false, false],
  ])(
    '%s: addresses are %s, networks %s in the database',
    async (storage, hasAddress, hasNetwork) => {
      const service = await startService({
        ADDRESS_STORAGE: storage,
        WEBHOOKS: JSON.stringify([
          {
            name: 'team',
            url: 'https://team.example',
            secret: `whsec_${btoa('the webhook secret of these tests')}`,
          },
        ]),
      });
      await travel(service);
      const text = await dump();
      for (const { address } of [AT.home, AT.lima]) {
        expect(text.includes(`"${address}"`) || text.includes(`\\"${address}\\"`)).toBe(hasAddress);
        expect(text.includes(toNetwork(parseAddress(address) as never))).toBe(hasNetwork);
      }
    },
  );

  it.each(['full', 'network', 'hash'])('%s: changes are noticed all the same', async (storage) => {
    const service = await startService({ ADDRESS_STORAGE: storage });
    const { access_token } = await travel(service);
    const { events } = (await (await service.bearer('GET', '/v1/events', access_token)).json()) as {
      events: { type: string; risk: { reasons: string[] } }[];
    };
    expect(events[0]).toMatchObject({
      type: 'context_changed',
      risk: { reasons: ['network_changed'] },
    });
  });

  it('hash: a keyed one, so that no table of all addresses undoes it', async () => {
    const [one, other] = await Promise.all([
      deriveKeyring(SECRET, null),
      deriveKeyring(OTHER_SECRET, null),
    ]);
    const hashOf = async (keyring: typeof one) =>
      (await toStoredAddress(AT.home.address, 'hash', keyring)).address;
    expect(await hashOf(one)).toMatch(/^hmac:[\w-]{22}$/);
    expect(await hashOf(one)).toBe(await hashOf(one));
    expect(await hashOf(one)).not.toBe(await hashOf(other));
  });

  it('hash: a new SESSION_SECRET makes nobody look like someone else', async () => {
    const before = await startService({ ADDRESS_STORAGE: 'hash' });
    const { refresh_token, session } = await before.create({ user_id: USER });
    before.advance(GRACE);
    const caller: Caller = { userAgent: UA.chrome(), ...AT.home };
    const { body } = await before.refresh(refresh_token, 'app', caller);
    const after = await startService(
      { ADDRESS_STORAGE: 'hash', SESSION_SECRET: OTHER_SECRET, SESSION_SECRET_PREVIOUS: SECRET },
      before.clock,
    );
    after.advance(GRACE);
    // The first request reads the signing keys too.
    await after.create();
    after.database.roundTrips = 0;
    expect((await after.refresh(body.refresh_token, 'app', caller)).status).toBe(200);
    expect(after.database.roundTrips).toBe(1);
    const { results } = await env.DB.prepare('SELECT type FROM session_events WHERE session_id = ?')
      .bind(session.id)
      .all();
    expect(results).toEqual([{ type: 'session_created' }]);
  });

  it('erasing the user removes all of it, from every table', async () => {
    const service = await startService();
    await travel(service);
    expect(await dump()).toContain(AT.lima.address);
    await service.backend('DELETE', `/v1/users/${USER}`);
    expect(await dump()).not.toContain(AT.lima.address);
    // Verifiers have to know of the user's tokens until the last has expired; then the cron removes
    // that, too.
    service.advance(361);
    await runScheduled(service.env, service.clock.now);
    const text = await dump();
    for (const trace of [USER, AT.home.address, AT.lima.address, 'Lima', 'Chrome'])
      expect(text).not.toContain(trace);
  });
});

describe('another ADDRESS_STORAGE than before', () => {
  const FORMS = ['full', 'network', 'hash'] as const;
  const changes = FORMS.flatMap((from) =>
    FORMS.filter((to) => to !== from).map((to) => [from, to] as const),
  );
  const seen = (address: string): Caller => ({ address, userAgent: UA.chrome(), cf: {} });
  const HOME = '203.0.113.7';
  const SAME_NETWORK = '203.0.113.200';
  const ELSEWHERE = '198.51.100.9';

  async function start(from: string) {
    const service = await startService({ ADDRESS_STORAGE: from });
    const { session, refresh_token } = await service.create({ user_id: USER });
    service.advance(GRACE);
    const { body } = await service.refresh(refresh_token, 'app', seen(HOME));
    service.advance(GRACE);
    return { service, session, token: body.refresh_token };
  }
  const newEvents = async () =>
    JSON.stringify(
      (await env.DB.prepare("SELECT * FROM session_events WHERE type <> 'session_created'").all())
        .results,
    );

  it.each(changes)('%s → %s: the same network is no change', async (from, to) => {
    const { service, session, token } = await start(from);
    const changed = await startService({ ADDRESS_STORAGE: to }, service.clock);
    const { status, body } = await changed.refresh(token, 'app', seen(SAME_NETWORK));
    expect({ status, kept: body.refresh_token === token }).toEqual({ status: 200, kept: false });
    expect(await newEvents()).toBe('[]');
    const { last_signals: last } = (await readRow(session.id)) as { last_signals: string };
    expect(last.includes(HOME) || (to === 'hash' && last.includes('203.0.113.'))).toBe(false);
  });

  it.each(changes)(
    '%s → %s: a lost answer from the same network is given again',
    async (from, to) => {
      const { service, token } = await start(from);
      const lost = await service.refresh(token, 'app', seen(HOME));
      service.advance(3_600);
      const changed = await startService({ ADDRESS_STORAGE: to }, service.clock);
      const again = await changed.refresh(token, 'app', seen(SAME_NETWORK));
      expect(again.body.refresh_token).toBe(lost.body.refresh_token);
    },
  );

  it.each(changes)(
    '%s → %s: another network is one, and the event holds nothing of the former form',
    async (from, to) => {
      const { service, token } = await start(from);
      const changed = await startService({ ADDRESS_STORAGE: to }, service.clock);
      const { status } = await changed.refresh(token, 'app', seen(ELSEWHERE));
      expect(status).toBe(200);
      const events = await newEvents();
      expect(events).toContain('network_changed');
      const isSameForm = from !== 'hash' && to !== 'hash';
      expect(events).not.toContain(HOME);
      expect(events.includes('203.0.113.')).toBe(isSameForm);
      if (to !== 'hash') expect(events).not.toContain('hmac:');
      if (to === 'hash') expect(await dumpOfSignals()).not.toMatch(/203\.0\.113\.|198\.51\.100\./);
    },
  );

  const dumpOfSignals = async () =>
    JSON.stringify((await env.DB.prepare('SELECT last_signals FROM user_sessions').all()).results);
});

describe('whose address it is', () => {
  it.each([
    'X-Forwarded-For',
    'Forwarded',
    'X-Real-IP',
    'True-Client-IP',
    'X-Client-IP',
    'CF-Connecting-IPv6',
    'CF-Pseudo-IPv4',
  ])('%s says nothing', async (header) => {
    const service = await startService();
    const { session, refresh_token } = await service.create();
    service.advance(GRACE);
    const value = header === 'Forwarded' ? 'for=203.0.113.99' : '203.0.113.99';
    await service.refresh(refresh_token, 'app', { ...AT.home, headers: { [header]: value } });
    expect(JSON.parse((await readRow(session.id))?.last_signals as string)).toMatchObject({
      address: AT.home.address,
    });
    expect(await dump()).not.toContain('203.0.113.99');
  });

  it('another Worker’s request has none, whatever its headers say', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create();
    service.advance(GRACE);
    await service.refresh(refresh_token, 'app', {
      ...AT.home,
      headers: { 'cf-worker': 'elsewhere.example' },
    });
    expect(JSON.parse((await readRow(session.id))?.last_signals as string)).toMatchObject({
      address: null,
    });
  });

  it('a backend states the end user’s at creation; its own is never taken for it', async () => {
    const service = await startService();
    const { session } = await service.create({}, { 'cf-connecting-ip': AT.lima.address });
    expect(await readRow(session.id)).toMatchObject({ ip_address: null });
    const stated = { ip_address: '2001:DB8:0:0::1', user_agent: UA.chrome() };
    const { session: withAddress } = await service.create(stated, {
      'cf-connecting-ip': AT.lima.address,
    });
    expect(await readRow(withAddress.id)).toMatchObject({
      ip_address: '2001:db8::1',
      user_agent: UA.chrome(),
    });
  });

  it('one address in many spellings is one', () => {
    for (const text of ['2001:db8::1', '2001:DB8:0::1', '2001:0db8:0000:0000:0000:0000:0000:0001'])
      expect(parseAddress(text)?.toString()).toBe('2001:db8::1');
    expect(parseAddress('::ffff:192.0.2.10')?.toString()).toBe('192.0.2.10');
    expect(parseAddress(AT.worker.address)).toBe(null);
    expect(parseAddress('10.0.0.1.evil')).toBe(null);
  });
});
