/**
 * docs/runbooks.md, "The cron does not run": what says so, what goes on, and what a late run does.
 */
import { env } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { startService } from '../fixtures';
import { beginEmpty } from '../homes/three-homes';
import { like, runbook } from './runbook';

const MINUTE = 60;
const DAY = 86_400;
const { commands, shown } = runbook('The cron does not run');
const [answer, line] = shown;

const log = beginEmpty();

it('a month without it signs nobody out and lets nobody in; one run tells that it is over, and makes up for it', async () => {
  expect(commands).toEqual(['curl -s $SERVICE_URL/cdn-cgi/handler/scheduled']);
  const lifetimes = {
    SESSION_LIFETIME_SECONDS: String(90 * DAY),
    INACTIVITY_TIMEOUT_SECONDS: String(20 * DAY),
    SIGNING_KEY_LIFETIME_SECONDS: String(7 * DAY),
  };
  const service = await startService(lifetimes);
  const health = async () => (await service.request('/healthz')).json();
  await runScheduled(service.env, service.clock.now);
  const idle = await service.create();
  let { refresh_token: token } = await service.create();
  for (let days = 0; days < 30; days += 10) {
    service.advance(10 * DAY);
    const { status, body } = await service.refresh(token);
    expect(status).toBe(200);
    token = body.refresh_token;
    expect(await health()).toEqual(like(answer));
  }
  expect(log.lines).toContainEqual(like(line));
  expect((await service.refresh(idle.refresh_token)).body.reason).toBe('expired_idle');
  const rows = () => env.DB.prepare('SELECT count(*) AS n FROM user_sessions').first('n');
  expect(await rows()).toBe(2);

  await runScheduled(service.env, service.clock.now);
  service.advance(MINUTE);
  expect(await health()).toMatchObject({ status: 'ok' });
  expect(await rows()).toBe(1);
  expect((await service.refresh(token)).status).toBe(200);
});
