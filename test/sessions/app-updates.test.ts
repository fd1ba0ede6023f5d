/**
 * An app or a system that is updated between two refreshes, whose user agent the app never chose:
 * nothing is reported, a lost answer is given again, and people find the device by its name.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Caller, readRow, startService, type TestService } from '../fixtures';
import { USER } from '../people';
import { AT } from '../risk/callers';

const GRACE = 30;
const HOUR = 3_600;
/** What Apple's systems send by default for an app named "My App". */
const BEFORE: Caller = { userAgent: 'My%20App/42 CFNetwork/1408.0.4 Darwin/22.5.0', ...AT.home };
const AFTER: Caller = { userAgent: 'My%20App/43 CFNetwork/1410.0.3 Darwin/22.6.0', ...AT.home };
const CHROME_ON_ANDROID =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36';

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function eventTypes(service: TestService): Promise<string[]> {
  const response = await service.backend('GET', `/v1/users/${USER}/events`);
  const { events } = (await response.json()) as { events: { type: string }[] };
  return events.map(({ type }) => type).filter((type) => type !== 'session_created');
}

describe('an app whose name has a space', () => {
  it.each(['log', 'notify', 'reauthenticate', 'revoke'])(
    'is updated under the policy %s: it goes on, without an event, in one round trip',
    async (policy) => {
      const service = await startService({ RISK_POLICY: policy });
      const { refresh_token: first } = await service.create({ user_id: USER });
      service.advance(GRACE);
      const { body } = await service.refresh(first, 'app', BEFORE);
      service.advance(GRACE);
      // The signing keys are read anew once a minute.
      await service.request('/.well-known/jwks.json');
      service.database.roundTrips = 0;
      expect((await service.refresh(body.refresh_token, 'app', AFTER)).status).toBe(200);
      expect(service.database.roundTrips).toBe(1);
      expect(await eventTypes(service)).toEqual([]);
    },
  );

  it('is updated while an answer is lost: it is given again', async () => {
    const service = await startService();
    const { session, refresh_token: first } = await service.create({ user_id: USER });
    service.advance(GRACE);
    const { body } = await service.refresh(first, 'app', BEFORE);
    service.advance(GRACE);
    const { body: lost } = await service.refresh(body.refresh_token, 'app', BEFORE);
    service.advance(8 * HOUR);
    const again = await service.refresh(body.refresh_token, 'app', AFTER);
    expect(again.status).toBe(200);
    expect(again.body.refresh_token).toBe(lost.refresh_token);
    expect(await eventTypes(service)).toEqual(['answer_recovered']);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
  });

  it('is "My App" in the list of devices', async () => {
    const service = await startService();
    const { access_token } = await service.create({
      user_id: USER,
      user_agent: BEFORE.userAgent,
    });
    const response = await service.bearer('GET', '/v1/sessions', access_token);
    expect(await response.json()).toMatchObject({ sessions: [{ device: 'My App' }] });
  });
});

describe('a session whose signals the release before has stored', () => {
  /** Browser and platform as it stored them, and what the same device sends now. */
  const STORED = {
    'an app, by all that it sent': [
      'My%20App/42 CFNetwork/1408.0.4 Darwin/22.5.0',
      null,
      AFTER.userAgent,
    ],
    'an app without a slash': [
      'ESPN Radio 4.5.1 (iPhone; iPhone OS 5.1.1; en_US)',
      'iOS',
      'ESPN Radio 4.7.4 rv:1032 (iPhone; iPhone OS 9.2.1; en_US)',
    ],
    'any app on Android': [
      'Android Browser',
      'Android',
      'Bullhorn/2.14.0.0 (Linux;Android 14) ExoPlayerLib/2.17.1',
    ],
    'an app made of Electron': [
      'Electron',
      'Linux',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) discord/1.0.9013 Chrome/108.0.5359.215 Electron/22.3.2 Safari/537.36',
    ],
    'an app whose name held a system’s': [
      'Tizen',
      'Tizen',
      'COAF%20SMART%20Citizen/3402 CFNetwork/1209 Darwin/20.2.0',
    ],
    'a bot': [
      'Mozilla',
      null,
      'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)',
    ],
  } as const;

  async function refreshAfter(stored: readonly [string, string | null], userAgent: string) {
    const service = await startService({ RISK_POLICY: 'revoke' });
    const { session, refresh_token: first } = await service.create({ user_id: USER });
    service.advance(GRACE);
    const { body } = await service.refresh(first, 'app', { userAgent, ...AT.home });
    const [browser, platform] = stored;
    await env.DB.prepare(
      "UPDATE user_sessions SET last_signals = json_set(last_signals, '$.browser', ?, '$.platform', ?, '$.version', 999) WHERE id = ?",
    )
      .bind(browser, platform, session.id)
      .run();
    service.advance(GRACE);
    const { status } = await service.refresh(body.refresh_token, 'app', { userAgent, ...AT.home });
    return { service, status, session };
  }

  it.each(Object.entries(STORED))(
    '%s: goes on, and is known by its name then',
    async (_, named) => {
      const [browser, platform, userAgent] = named;
      const { service, status, session } = await refreshAfter(
        [browser, platform],
        userAgent as string,
      );
      expect(status).toBe(200);
      expect(await eventTypes(service)).toEqual([]);
      const row = await readRow(session.id);
      expect(JSON.parse(row?.last_signals as string).browser).not.toBe(browser);
    },
  );

  it.each([
    ['another browser', 'Android Browser', 'Android', CHROME_ON_ANDROID],
    ['another system', 'Chrome', 'macOS', CHROME_ON_ANDROID],
    ['another app', 'My%20Bank/42 CFNetwork/1408.0.4 Darwin/22.5.0', null, AFTER.userAgent],
  ])('%s is another all the same', async (_, browser, platform, userAgent) => {
    const { service, status } = await refreshAfter([browser, platform], userAgent as string);
    expect([status, await eventTypes(service)]).toEqual([400, ['session_revoked']]);
  });
});
