/** Refresh: the four cases of src/sessions/rotate.ts, in the order in which people meet them. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { eventually } from '../eventually';
import { readRow, START, startService, type TestService } from '../fixtures';
import { holdCall, startImpatient } from '../held-call';
import { USER } from '../people';

const GRACE = 30;

describe('normal use', () => {
  it('gives a new refresh token each time, which is the one that works next', async () => {
    const service = await startService();
    let { refresh_token: token } = await service.create({ user_id: USER });
    const seen = new Set([token]);
    for (let step = 0; step < 5; step += 1) {
      service.advance(GRACE);
      const { status, body } = await service.refresh(token);
      expect(status).toBe(200);
      token = body.refresh_token;
      seen.add(token);
    }
    expect(seen.size).toBe(6);
  });

  it('is one round trip, with one row written', async () => {
    const service = await startService();
    const { refresh_token } = await service.create({ user_id: USER });
    service.advance(GRACE);
    Object.assign(service.database, { roundTrips: 0, rowsWritten: 0 });
    await service.refresh(refresh_token);
    expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 1 });
  });

  it('says when the session ends and when to refresh next', async () => {
    const service = await startService({
      SESSION_LIFETIME_SECONDS: '86400',
      INACTIVITY_TIMEOUT_SECONDS: '3600',
    });
    const { refresh_token } = await service.create({ user_id: USER });
    const { body } = await service.refresh(refresh_token);
    expect(body).toMatchObject({
      expires_in: 300,
      refresh_token_expires_in: 3600,
      session_expires_at: '2026-01-02T00:00:00Z',
      idle_expires_at: '2026-01-01T01:00:00Z',
    });
    const refreshIn = (Date.parse(body.refresh_at as string) - START) / 1000;
    expect(refreshIn).toBeGreaterThanOrEqual(224);
    expect(refreshIn).toBeLessThanOrEqual(270);
  });
});

describe('concurrent use', () => {
  it('20 refreshes of one token at once all get the same successor, from one rotation', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({ user_id: USER });
    service.database.rowsWritten = 0;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => service.refresh(refresh_token)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(service.database.rowsWritten).toBeGreaterThan(0);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
  });

  it('gives the same from isolates that share nothing but the database', async () => {
    const services = await Promise.all(Array.from({ length: 5 }, () => startService()));
    const { refresh_token } = await (services[0] as (typeof services)[0]).create({ user_id: USER });
    const answers = await Promise.all(services.map((service) => service.refresh(refresh_token)));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  });

  it('keeps a token that was made within the grace period, so that its predecessor stays good', async () => {
    const service = await startService();
    const { refresh_token: first } = await service.create({ user_id: USER });
    const { body: second } = await service.refresh(first);
    service.advance(GRACE - 1);
    service.database.rowsWritten = 0;
    const kept = await service.refresh(second.refresh_token);
    const slow = await service.refresh(first);
    expect(kept.body.refresh_token).toBe(second.refresh_token);
    expect(slow.body.refresh_token).toBe(second.refresh_token);
    expect(kept.body.access_token).not.toBe(second.access_token);
    expect(service.database.rowsWritten).toBe(0);
  });

  it('however requests interleave, whoever uses a token within the grace period of its succession is never signed out, and nothing forks', async () => {
    const step = fc.record({
      /** Milliseconds until the next request. */
      wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 12_000 })),
      /** How many of the tokens that were good at the last step race. */
      racers: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const service = await startService({ REFRESH_GRACE_SECONDS: '10' });
        const { session, refresh_token } = await service.create({ user_id: USER });
        // Every token, and when it was superseded: good until the grace period after that.
        const chain = [{ token: refresh_token, supersededAt: Number.POSITIVE_INFINITY }];
        for (const { wait, racers } of steps) {
          service.clock.now += wait;
          const now = service.clock.now;
          const good = chain.filter(({ supersededAt }) => now - supersededAt < 10_000);
          expect(good.length).toBeLessThanOrEqual(2);
          const presented = Array.from(
            { length: racers },
            (_, racer) => good[(racer + wait) % good.length]?.token as string,
          );
          const answers = await Promise.all(presented.map((token) => service.refresh(token)));
          for (const { status, body } of answers) {
            expect(status).toBe(200);
            if (!chain.some(({ token }) => token === body.refresh_token)) {
              (chain.at(-1) as (typeof chain)[0]).supersededAt = now;
              chain.push({ token: body.refresh_token, supersededAt: Number.POSITIVE_INFINITY });
            }
            expect([chain.at(-1)?.token, chain.at(-2)?.token]).toContain(body.refresh_token);
          }
        }
        expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
      }),
      { numRuns: 60 },
    );
  });
});

describe('a lost answer', () => {
  it('is given again to a retry, and the refresh after it works too', async () => {
    const service = await startService();
    const { refresh_token: first } = await service.create({ user_id: USER });
    await service.refresh(first);
    service.advance(GRACE - 1);
    const retried = await service.refresh(first);
    expect(retried.status).toBe(200);
    service.advance(GRACE);
    const third = await service.refresh(retried.body.refresh_token);
    expect(third.status).toBe(200);
    service.advance(GRACE);
    expect((await service.refresh(third.body.refresh_token)).status).toBe(200);
  });

  it.each([GRACE, 0])(
    'a write whose outcome is unknown is run again, with grace %i',
    async (grace) => {
      const service = await startService({ REFRESH_GRACE_SECONDS: String(grace) });
      const { session, refresh_token } = await service.create({ user_id: USER });
      service.advance(60);
      service.database.faults = [{ after: 'D1_ERROR: Network connection lost.' }];
      const { status, body } = await service.refresh(refresh_token);
      expect(status).toBe(200);
      service.advance(60);
      expect((await service.refresh(body.refresh_token)).status).toBe(200);
      expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    },
  );
});

describe('reuse', () => {
  it('of the predecessor after the grace period revokes this session alone, and is logged once', async () => {
    const service = await startService();
    const { session, refresh_token: first } = await service.create({ user_id: USER });
    const other = await service.create({ user_id: USER });
    const { body: second } = await service.refresh(first);
    service.advance(GRACE);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const replay = await service.refresh(first);
    expect(replay).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', reason: 'reuse_detected' },
    });
    const thief = await service.refresh(second.refresh_token);
    expect(thief).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', reason: 'reuse_detected' },
    });
    expect(warn.mock.calls.map(([line]) => JSON.parse(line))).toEqual([
      expect.objectContaining({ event: 'reuse_detected', session_id: session.id, user_id: USER }),
    ]);
    warn.mockRestore();
    expect(await readRow(session.id)).toMatchObject({
      revoked_reason: 'reuse_detected',
      revoked_at: service.clock.now / 1000,
    });
    expect((await service.refresh(other.refresh_token)).status).toBe(200);
  });

  it('of a grand-predecessor revokes, even within the grace period of the last rotation', async () => {
    const service = await startService();
    const { refresh_token: first } = await service.create({ user_id: USER });
    const { body: second } = await service.refresh(first);
    service.advance(GRACE);
    await service.refresh(second.refresh_token);
    expect((await service.refresh(first)).body.reason).toBe('reuse_detected');
  });

  it('replaying the predecessor again and again does not extend the grace period', async () => {
    const service = await startService();
    const { refresh_token: first } = await service.create({ user_id: USER });
    await service.refresh(first);
    for (let second = 0; second < GRACE - 1; second += 1) {
      service.advance(1);
      expect((await service.refresh(first)).status).toBe(200);
    }
    service.advance(1);
    expect((await service.refresh(first)).body.reason).toBe('reuse_detected');
  });

  it('with grace 0 is any second use, even in the same millisecond', async () => {
    const service = await startService({ REFRESH_GRACE_SECONDS: '0' });
    const { refresh_token: first } = await service.create({ user_id: USER });
    expect((await service.refresh(first)).status).toBe(200);
    expect((await service.refresh(first)).body.reason).toBe('reuse_detected');
  });

  it('with grace 0, of 10 at once one rotates and the session is revoked', async () => {
    const service = await startService({ REFRESH_GRACE_SECONDS: '0' });
    const { session, refresh_token } = await service.create({ user_id: USER });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => service.refresh(refresh_token)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'reuse_detected' });
  });
});

describe('when a session is over', () => {
  it.each([
    [
      'inactivity',
      { INACTIVITY_TIMEOUT_SECONDS: '600', SESSION_LIFETIME_SECONDS: '0' },
      600,
      'expired_idle',
    ],
    [
      'the absolute lifetime',
      { INACTIVITY_TIMEOUT_SECONDS: '0', SESSION_LIFETIME_SECONDS: '900' },
      900,
      'expired_absolute',
    ],
  ])('%s is honoured to the second', async (_, variables, seconds, reason) => {
    const service = await startService(variables);
    const early = await service.create({ user_id: USER });
    const late = await service.create({ user_id: USER });
    service.advance(seconds - 1);
    service.clock.now += 999;
    expect((await service.refresh(early.refresh_token)).status).toBe(200);
    service.clock.now += 1;
    expect(await service.refresh(late.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', reason },
    });
  });

  it('refreshing every minute does not outlive the absolute lifetime', async () => {
    const service = await startService({ SESSION_LIFETIME_SECONDS: '600' });
    let { refresh_token: token } = await service.create({ user_id: USER });
    let remaining = Number.POSITIVE_INFINITY;
    for (let minute = 1; minute < 10; minute += 1) {
      service.advance(60);
      const { body } = await service.refresh(token);
      expect(body.refresh_token_expires_in).toBeLessThan(remaining);
      expect(body.expires_in).toBeLessThanOrEqual(600 - minute * 60);
      remaining = body.refresh_token_expires_in as number;
      token = body.refresh_token;
    }
    service.advance(60);
    expect((await service.refresh(token)).body.reason).toBe('expired_absolute');
  });

  it('a session without any limit goes on', async () => {
    const service = await startService({
      SESSION_LIFETIME_SECONDS: '0',
      INACTIVITY_TIMEOUT_SECONDS: '0',
    });
    const { session, refresh_token } = await service.create({ user_id: USER, expires_in: null });
    expect(session).toMatchObject({ expires_at: null, idle_expires_at: null });
    service.advance(50 * 365 * 86_400);
    const { status, body } = await service.refresh(refresh_token);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      session_expires_at: null,
      idle_expires_at: null,
      refresh_token_expires_in: null,
    });
  });

  it('a session revoked in between is refused at once, and its user is told why', async () => {
    const service = await startService();
    const { refresh_token, access_token } = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    expect(await service.refresh(refresh_token)).toMatchObject({
      status: 400,
      body: { reason: 'signed_out' },
    });
  });
});

describe('whose token it is', () => {
  it('a token belongs to the client it was issued to: another is refused, and the session lives on', async () => {
    const service = await startService();
    const { session, refresh_token: first } = await service.create({ user_id: USER });
    const { body: second } = await service.refresh(first);
    service.advance(GRACE);
    const before = await readRow(session.id);
    for (const token of [first, second.refresh_token]) {
      const foreign = await service.refresh(token, 'other-app');
      expect(foreign).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(foreign.body.reason).toBeUndefined();
    }
    expect(await readRow(session.id)).toEqual(before);
    expect((await service.refresh(second.refresh_token)).status).toBe(200);
  });
});

describe('D1 slow, failing or gone', () => {
  /** A refresh that is given up, and whose write is applied afterwards. */
  async function giveUpAndApply(service: TestService, refreshToken: string): Promise<void> {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const slow = holdCall();
    const impatient = await startImpatient(service);
    impatient.database.faults = [slow.fault];
    const failed = await impatient.refresh(refreshToken);
    expect(failed).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(Number(failed.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(impatient.database.roundTrips).toBe(1);
    error.mockRestore();
    slow.release();
    await eventually(() => expect(impatient.database.rowsWritten).toBeGreaterThan(0));
  }

  it('with strict rotation a retry of what was written after its time-out is a second use', async () => {
    const service = await startService({ REFRESH_GRACE_SECONDS: '0' });
    const { refresh_token } = await service.create({ user_id: USER });
    await giveUpAndApply(service, refresh_token);
    expect((await service.refresh(refresh_token)).body).toMatchObject({
      error: 'invalid_grant',
      reason: 'reuse_detected',
    });
  });

  it.each([
    [
      'fails before the write',
      [{ before: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.' }],
      1,
    ],
    ['fails after the write', [{ after: 'D1_ERROR: internal error' }], 1],
    ['stays lost', Array(3).fill({ before: 'D1_ERROR: Network connection lost.' }), 3],
  ])(
    'a database that %s is 503 with Retry-After, and the same token works afterwards',
    async (_, faults, attempts) => {
      const service = await startService();
      const { refresh_token } = await service.create({ user_id: USER });
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      Object.assign(service.database, { faults, roundTrips: 0 });
      const failed = await service.refresh(refresh_token);
      error.mockRestore();
      expect(failed).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
      expect(Number(failed.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(service.database.roundTrips).toBe(attempts);
      expect((await service.refresh(refresh_token)).status).toBe(200);
    },
  );

  it('a database that is slow is 503, too, and the same token works afterwards', async () => {
    const service = await startService();
    const { refresh_token } = await service.create({ user_id: USER });
    await giveUpAndApply(service, refresh_token);
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });
});
