/**
 * docs/runbooks.md, "D1 is overloaded": what is answered and logged, and that nobody is signed out.
 */
import { expect, it } from 'vitest';
import { verifierOf } from '../client/verifier';
import { startService } from '../fixtures';
import { AWAY, beginEmpty } from '../homes/three-homes';
import { like, runbook } from './runbook';

const { shown } = runbook('D1 is overloaded');
const [faultLine, requestLine, answer] = shown;

const log = beginEmpty();

it('is 503 with Retry-After, as the page shows it; the same token is good afterwards', async () => {
  const service = await startService();
  const health = async () => (await service.request('/healthz')).json();
  const { refresh_token, access_token } = await service.create();
  service.advance(61);
  service.database.faults = Array(5).fill({ before: faultLine?.detail });
  for (let time = 0; time < 10; time += 1) {
    const { status, headers } = await service.refresh(refresh_token);
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  }
  expect(log.lines).toContainEqual(like(faultLine));
  expect(log.lines).toContainEqual(like(requestLine));
  expect(log.lines.at(-1)).toMatchObject({ status: 503, d1_round_trips: 0 });
  expect(await health()).toEqual(like({ ...answer, last_cleanup_at: null }));
  // APIs ask no database.
  expect(await verifierOf(service, {}).verify(access_token)).toMatchObject({ ok: true });

  service.database.faults = [];
  service.advance(1);
  expect((await service.refresh(refresh_token)).status).toBe(200);
  expect(await health()).toMatchObject({ status: 'ok' });
});

it('where the answer alone was lost, the same token gives it', async () => {
  const service = await startService();
  const { refresh_token } = await service.create();
  service.advance(30);
  service.database.faults = [{ after: AWAY.before }];
  expect((await service.refresh(refresh_token)).status).toBe(503);
  const { status, body } = await service.refresh(refresh_token);
  expect(status).toBe(200);
  service.advance(30);
  expect((await service.refresh(body.refresh_token)).status).toBe(200);
});
