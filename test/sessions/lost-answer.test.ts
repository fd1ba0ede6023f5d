/**
 * Lost answers: a superseded token that comes back late, from whoever superseded it, or from a
 * thief.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Caller, readRow, startService, stepUp, type TestService } from '../fixtures';
import { emptyHomes, startThreeHomes } from '../homes/three-homes';
import {
  handOff,
  type Jar,
  SAME_ORIGIN,
  send,
  start,
  startWithBrowsers,
} from '../http/browser/browser';
import { USER } from '../people';
import { AT, UA } from '../risk/callers';

const GRACE = 30;
const HOUR = 3_600;
const DAY = 24 * HOUR;

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const LAPTOP: Caller = { userAgent: UA.chromeOnMac, ...AT.home };
const PHONE: Caller = { userAgent: UA.iphone(), ...AT.cellular };

/** A session whose device has rotated its token and not seen the answer. */
async function loseAnswer(service: TestService, device: Caller) {
  const { session, refresh_token: first } = await service.create({ user_id: USER });
  service.advance(GRACE);
  const { body } = await service.refresh(first, 'app', device);
  service.advance(GRACE);
  const { body: lost } = await service.refresh(body.refresh_token, 'app', device);
  return { session, first, kept: body.refresh_token, lost: lost.refresh_token };
}

async function eventTypes(service: TestService): Promise<string[]> {
  const response = await service.backend('GET', `/v1/users/${USER}/events`);
  const { events } = (await response.json()) as { events: { type: string }[] };
  return events
    .map(({ type }) => type)
    .filter((type) => type !== 'session_created' && type !== 'context_changed');
}

describe('whoever superseded the token comes back after the grace period', () => {
  it.each([
    ['a laptop that slept for 8 hours', LAPTOP, { ...LAPTOP }, 8 * HOUR],
    [
      'a laptop that slept, with another address by DHCP',
      LAPTOP,
      { ...LAPTOP, ...AT.homeAfterDhcp },
      8 * HOUR,
    ],
    ['a phone that changed cell', PHONE, { ...PHONE, ...AT.cellularNextCell }, HOUR],
    [
      'a browser that updated itself meanwhile',
      { ...LAPTOP, userAgent: UA.chrome(141) },
      { ...LAPTOP, userAgent: UA.chrome(142) },
      HOUR,
    ],
    ['just before the window closes', LAPTOP, { ...LAPTOP }, DAY - 1],
  ])('%s: gets the lost answer, with an event', async (_, device, later, seconds) => {
    const service = await startService();
    const { session, kept, lost } = await loseAnswer(service, device);
    service.advance(seconds);
    const { status, body } = await service.refresh(kept, 'app', later);
    expect({ status, token: body.refresh_token }).toEqual({ status: 200, token: lost });
    expect(await eventTypes(service)).toEqual(['answer_recovered']);
    // Where it has arrived at last, the session goes on.
    service.advance(GRACE);
    expect((await service.refresh(lost, 'app', later)).status).toBe(200);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
  });

  it('20 times at once: one answer, one event', async () => {
    const service = await startService();
    const { kept, lost } = await loseAnswer(service, LAPTOP);
    service.advance(8 * HOUR);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => service.refresh(kept, 'app', LAPTOP)),
    );
    expect(new Set(answers.map(({ body }) => body.refresh_token))).toEqual(new Set([lost]));
    expect(await eventTypes(service)).toEqual(['answer_recovered']);
  });
});

describe('anyone else is a thief: reuse, and the session ends', () => {
  it.each([
    ['from another network, in lockstep with its owner', { ...LAPTOP, ...AT.office }, HOUR],
    ['from another country', { ...LAPTOP, ...AT.lima }, HOUR],
    ['with another browser on the same network', { ...LAPTOP, userAgent: UA.safari }, HOUR],
    ['with another system on the same network', { ...LAPTOP, userAgent: UA.chrome() }, HOUR],
    ['without a user agent', { ...AT.home }, HOUR],
    ['from nowhere known', { userAgent: UA.chromeOnMac }, HOUR],
    ['after the window', LAPTOP, DAY],
  ])('%s', async (_, thief, seconds) => {
    const service = await startService();
    const { session, kept, lost } = await loseAnswer(service, LAPTOP);
    service.advance(seconds);
    expect((await service.refresh(kept, 'app', thief)).body).toMatchObject({
      error: 'invalid_grant',
      reason: 'reuse_detected',
    });
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'reuse_detected' });
    expect((await service.refresh(lost, 'app', LAPTOP)).body.reason).toBe('reuse_detected');
    expect(await eventTypes(service)).toEqual(['reuse_detected']);
  });

  it('also from the owner’s own device, once the successor has been exchanged', async () => {
    const service = await startService();
    const { kept, lost } = await loseAnswer(service, LAPTOP);
    service.advance(GRACE);
    expect((await service.refresh(lost, 'app', LAPTOP)).status).toBe(200);
    service.advance(HOUR);
    expect((await service.refresh(kept, 'app', LAPTOP)).body.reason).toBe('reuse_detected');
  });

  it('also a token further back than the last', async () => {
    const service = await startService();
    const { first } = await loseAnswer(service, LAPTOP);
    service.advance(HOUR);
    expect((await service.refresh(first, 'app', LAPTOP)).body.reason).toBe('reuse_detected');
  });
});

describe('a recovery leaves a mark', () => {
  /** The device rotates and loses the answer again. Returns the token that it is left with. */
  async function loseNext(service: TestService, token: string) {
    service.advance(GRACE);
    const { body } = await service.refresh(token, 'app', LAPTOP);
    expect(body.refresh_token).not.toBe(token);
    return { kept: token, lost: body.refresh_token };
  }

  async function recover(service: TestService, kept: string, seconds = HOUR) {
    service.advance(seconds);
    return service.refresh(kept, 'app', LAPTOP);
  }

  it('so that a thief and a victim who look alike cannot take turns', async () => {
    const service = await startService();
    const { session, kept, lost } = await loseAnswer(service, LAPTOP);
    // The thief holds `kept`, as its owner does, whose answer was not lost at all.
    expect((await recover(service, kept)).body.refresh_token).toBe(lost);
    const next = await loseNext(service, lost);
    // The other one of the two comes back with what the recovery gave.
    const second = await recover(service, next.kept);
    expect(second.body).toMatchObject({ error: 'invalid_grant', reason: 'reuse_detected' });
    expect((await service.refresh(next.lost, 'app', LAPTOP)).body.reason).toBe('reuse_detected');
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'reuse_detected' });
    expect(await eventTypes(service)).toEqual(['reuse_detected', 'answer_recovered']);
  });

  it('which the step after the next no longer bears', async () => {
    const service = await startService();
    const { kept, lost } = await loseAnswer(service, LAPTOP);
    await recover(service, kept);
    service.advance(GRACE);
    const { body } = await service.refresh(lost, 'app', LAPTOP);
    const again = await loseNext(service, body.refresh_token);
    expect((await recover(service, again.kept)).body.refresh_token).toBe(again.lost);
  });

  it('and a retry within the grace period is the same recovery', async () => {
    const service = await startService();
    const { kept, lost } = await loseAnswer(service, LAPTOP);
    await recover(service, kept);
    for (const seconds of [1, GRACE - 2])
      expect((await recover(service, kept, seconds)).body.refresh_token).toBe(lost);
    expect(await eventTypes(service)).toEqual(['answer_recovered']);
  });

  it.each([
    ['the fourth within 24 hours, to the millisecond, is theft', DAY * 1000 - 1, 'reuse_detected'],
    ['the fourth is good once the first is 24 hours old', DAY * 1000, undefined],
  ])('%s', async (_, ageOfFirstMs, reason) => {
    const service = await startService();
    let { kept, lost } = await loseAnswer(service, LAPTOP);
    const first = service.clock.now + HOUR * 1000;
    for (let recoveries = 0; recoveries < 3; recoveries += 1) {
      expect((await recover(service, kept)).body.refresh_token).toBe(lost);
      service.advance(GRACE);
      const { body } = await service.refresh(lost, 'app', LAPTOP);
      ({ kept, lost } = await loseNext(service, body.refresh_token));
    }
    service.clock.now = first + ageOfFirstMs;
    expect((await service.refresh(kept, 'app', LAPTOP)).body.reason).toBe(reason);
  });

  it('one that is recovered again and again counts each time', async () => {
    const service = await startService();
    const { kept, lost } = await loseAnswer(service, LAPTOP);
    for (let recoveries = 0; recoveries < 3; recoveries += 1)
      expect((await recover(service, kept)).body.refresh_token).toBe(lost);
    expect(await eventTypes(service)).toHaveLength(3);
    expect((await recover(service, kept)).body.reason).toBe('reuse_detected');
  });
});

describe('the mark stays with the session', () => {
  /** What it has: the token that a recovery gave, and the one before. */
  async function recoverOnce(service: TestService) {
    const { session, kept, lost } = await loseAnswer(service, LAPTOP);
    service.advance(HOUR);
    expect((await service.refresh(kept, 'app', LAPTOP)).body.refresh_token).toBe(lost);
    return { session, given: lost };
  }

  it('through a step-up, whose lost answer would be the second in a row', async () => {
    const service = await startService();
    const { session, given } = await recoverOnce(service);
    const { recoveries } = (await readRow(session.id)) ?? {};
    service.advance(GRACE);
    expect((await stepUp(service, session.id, { refresh_token: given })).status).toBe(200);
    expect(await readRow(session.id)).toMatchObject({ recoveries });
    service.advance(HOUR);
    expect((await service.refresh(given, 'app', LAPTOP)).body.reason).toBe('reuse_detected');
  });

  it('through any number of step-ups, for 24 hours', async () => {
    const service = await startService();
    const { session, given } = await recoverOnce(service);
    let token = given;
    for (let recoveries = 1; recoveries <= 3; recoveries += 1) {
      service.advance(GRACE);
      const { refresh_token } = (await service.refresh(token, 'app', LAPTOP)).body;
      service.advance(GRACE);
      const { body } = await stepUp(service, session.id, { refresh_token });
      service.advance(GRACE);
      const { body: lost } = await service.refresh(body.refresh_token, 'app', LAPTOP);
      service.advance(HOUR);
      const { status, body: again } = await service.refresh(body.refresh_token, 'app', LAPTOP);
      expect(status).toBe(recoveries === 3 ? 400 : 200);
      if (status === 200) expect(again.refresh_token).toBe(lost.refresh_token);
      token = lost.refresh_token;
    }
  });

  it('through a move to another home, and back', async () => {
    await emptyHomes();
    const homes = await startThreeHomes();
    const { service, post } = homes;
    for (const journey of [['DB_WEUR'], ['DB_APAC', 'DB']]) {
      const { session, given } = await recoverOnce(service);
      for (const home of journey)
        expect((await post(`/v1/users/${USER}/move`, { home })).status).toBe(200);
      service.advance(GRACE);
      const { status } = await service.refresh(given, 'app', LAPTOP);
      expect(status).toBe(200);
      service.advance(HOUR);
      const again = await service.refresh(given, 'app', LAPTOP);
      expect({ id: session.id, reason: again.body.reason }).toEqual({
        id: session.id,
        reason: 'reuse_detected',
      });
    }
  });

  it('in a browser whose sign-in link is opened again, here and elsewhere', async () => {
    const service = await startWithBrowsers();
    const own = {
      ...SAME_ORIGIN,
      'user-agent': UA.chromeOnMac,
      'cf-connecting-ip': AT.home.address,
    };
    const { session, browser } = await handOff(service, { user_id: USER });
    const jar: Jar = new Map();
    await start(service, jar, browser.start_url);
    const keep = new Map(jar);
    service.advance(GRACE);
    await send(service, jar, 'POST', '/browser/refresh', own);
    service.advance(GRACE);
    const { recoveries: none } = (await readRow(session.id)) ?? {};
    expect(none).toBe(null);
    jar.clear();
    for (const [name, value] of keep) jar.set(name, value);
    const recovered = await send(service, jar, 'POST', '/browser/refresh', own);
    expect(recovered.status).toBe(200);
    const { recoveries } = (await readRow(session.id)) ?? {};
    expect(recoveries).toContain('given');
    await start(service, jar, browser.start_url);
    await start(service, new Map(), browser.start_url);
    expect(await readRow(session.id)).toMatchObject({ recoveries, revoked_at: null });
  });
});

describe('the window', () => {
  it('LOST_ANSWER_SECONDS sets it', async () => {
    const service = await startService({ LOST_ANSWER_SECONDS: String(2 * HOUR) });
    const { kept, lost } = await loseAnswer(service, LAPTOP);
    service.advance(2 * HOUR - 1);
    expect((await service.refresh(kept, 'app', LAPTOP)).body.refresh_token).toBe(lost);
    service.advance(1);
    expect((await service.refresh(kept, 'app', LAPTOP)).body.reason).toBe('reuse_detected');
  });

  it('0 turns it off: after the grace period it is reuse, whoever comes', async () => {
    const service = await startService({ LOST_ANSWER_SECONDS: '0' });
    const { kept, lost } = await loseAnswer(service, LAPTOP);
    service.advance(GRACE - 1);
    expect((await service.refresh(kept, 'app', LAPTOP)).body.refresh_token).toBe(lost);
    service.advance(1);
    expect((await service.refresh(kept, 'app', LAPTOP)).body.reason).toBe('reuse_detected');
  });

  it('strict rotation has none', async () => {
    const service = await startService({ REFRESH_GRACE_SECONDS: '0' });
    const { kept } = await loseAnswer(service, LAPTOP);
    expect((await service.refresh(kept, 'app', LAPTOP)).body.reason).toBe('reuse_detected');
  });
});
