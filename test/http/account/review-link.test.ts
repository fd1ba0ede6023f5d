/**
 * "Was this you?" by the link that a webhook carries, for a mail: it asks before it acts, is good
 * once and for a day, and ends one session alone.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ISSUER, readRow, type TestService } from '../../fixtures';
import { empty } from '../../large-data';
import { AT, UA } from '../../risk/callers';
import { endpoint, startTelling } from '../../webhooks/receiver';
import { OWN_FORM } from '../browser/browser';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c61';

beforeEach(async () => {
  await empty();
  await env.DB.exec('DELETE FROM webhook_deliveries');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** A phone whose session is used in Lima from Firefox, and what the team's endpoint is told. */
async function startTold(variables: Record<string, string> = {}) {
  const { service, receiver, runCron } = await startTelling(
    [endpoint('team'), endpoint('set', { format: 'set' })],
    { RISK_POLICY: 'notify', ...variables },
  );
  const phone = await service.create({ user_id: USER, user_agent: UA.iphone() });
  const other = await service.create({ user_id: USER, user_agent: UA.iphone() });
  await service.refresh(phone.refresh_token, 'app', { userAgent: UA.firefox(), ...AT.lima });
  await runCron();
  const told = receiver.arrived
    .filter(({ url }) => url.includes('team'))
    .map(({ text }) => JSON.parse(text) as { type: string; data: { review_url?: string } });
  const url = told.find(({ type }) => type === 'mismatch')?.data.review_url ?? '';
  const path = url.slice(ISSUER.length);
  return { service, receiver, runCron, phone, other, told, path, token: path.split('token=')[1] };
}

const answer = (
  service: TestService,
  fields: Record<string, string | undefined>,
  headers: Record<string, string> = OWN_FORM,
) =>
  service.request('/account/review', {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields as Record<string, string>).toString(),
  });
const answerOf = async (type = 'mismatch') => {
  const row = await env.DB.prepare('SELECT details FROM session_events WHERE type = ?')
    .bind(type)
    .first<{ details: string }>();
  return JSON.parse(row?.details ?? '{}').answer;
};

describe('the link', () => {
  it('is in what JSON endpoints are told of something unusual, the same in each attempt', async () => {
    const { service, receiver, runCron, told, phone, path } = await startTold();
    expect(path).toMatch(/^\/account\/review\?token=[\w.-]{100,300}$/);
    expect(told.length).toBeGreaterThan(0);
    receiver.arrived.length = 0;
    receiver.answer = () => new Response(null, { status: 503 });
    await service.bearer('DELETE', '/v1/sessions/current', phone.access_token);
    await runCron();
    const ended = receiver.arrived.map(({ text }) => text);
    expect(ended.length).toBeGreaterThan(0);
    expect(ended.join()).not.toContain('review_url');
  });

  it('shows what it asks about, needs no session, and changes nothing by itself', async () => {
    const { service, phone, path } = await startTold();
    for (const method of ['GET', 'HEAD', 'GET']) {
      const page = await service.request(path, { method });
      expect(page.status).toBe(200);
      expect(page.headers.get('cache-control')).toBe('no-store');
      expect(page.headers.get('referrer-policy')).toBe('strict-origin');
      if (method === 'GET') expect(await page.text()).toContain('<h1>Was this you?</h1>');
    }
    expect(await answerOf()).toBe(undefined);
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
  });

  it('ends that session alone by "no", leads on to what helps, and is good once', async () => {
    const { service, phone, other, path, token } = await startTold();
    const page = await answer(service, { token, answer: 'no' });
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).toContain('Secure your account');
    expect(html).toContain('href="/account/sign-out-others"');
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
    expect(await answerOf()).toBe('no');
    const again = await answer(service, { token, answer: 'yes' });
    expect([again.status, await again.text()]).toEqual([
      400,
      expect.stringContaining('This link does not work any more'),
    ]);
    expect((await service.request(path)).status).toBe(400);
    expect(await answerOf()).toBe('no');
  });

  it('settles it by "yes"; a later "no" by the same link ends nothing', async () => {
    const { service, phone, token } = await startTold();
    expect(await (await answer(service, { token, answer: 'yes' })).text()).toContain('Thank you');
    expect((await answer(service, { token, answer: 'no' })).status).toBe(400);
    expect(await answerOf()).toBe('yes');
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
  });

  it('is good for a day', async () => {
    const { service, phone, token, path } = await startTold();
    service.advance(86_400);
    expect((await service.request(path)).status).toBe(400);
    expect((await answer(service, { token, answer: 'no' })).status).toBe(400);
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
  });

  it('that was changed, or is none, is refused without a database call', async () => {
    const { service, token = '', other } = await startTold();
    const parts = token.split('.');
    const changed = [
      '',
      'x',
      `${token}x`,
      parts.with(3, other.session.id).join('.'),
      parts.with(2, other.session.id).join('.'),
      parts.with(4, `${Number(parts[4]) + 86_400}`).join('.'),
      parts.with(5, `${parts[5]?.startsWith('A') ? 'B' : 'A'}${parts[5]?.slice(1)}`).join('.'),
    ];
    service.database.roundTrips = 0;
    for (const forged of changed)
      expect([forged, (await answer(service, { token: forged, answer: 'no' })).status]).toEqual([
        forged,
        400,
      ]);
    expect(service.database.roundTrips).toBe(0);
  });

  it('answers only by a form of its own page (ASVS 3.5.1)', async () => {
    const { service, phone, token } = await startTold();
    const foreign = { ...OWN_FORM, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await answer(service, { token, answer: 'no' }, foreign)).status).toBe(403);
    expect((await answer(service, { token, answer: 'maybe' })).status).toBe(400);
    expect(await answerOf()).toBe(undefined);
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
  });
});
