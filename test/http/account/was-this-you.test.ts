/**
 * "Was this you?": a person is asked of what may have been somebody else, their answer is kept, and
 * "no" ends the session that it was of and leads on to what else helps.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { clientsWith, readRow, type TestService } from '../../fixtures';
import { empty } from '../../large-data';
import { AT, UA } from '../../risk/callers';
import {
  type Jar,
  NAVIGATION,
  OWN_FORM,
  send,
  signIn,
  startWithBrowsers,
  WEB,
} from '../browser/browser';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c51';
const OTHER_USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c52';
const RECOVERY = 'https://shop.example/password';

beforeEach(async () => {
  await empty();
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const read = async (service: TestService, jar: Jar, path = '/account') =>
  (await send(service, jar, 'GET', path, NAVIGATION)).text();
const answer = (service: TestService, jar: Jar, id: string, what: string, headers = OWN_FORM) =>
  send(service, jar, 'POST', `/account/events/${id}/${what}`, headers);
const questionsOf = (html: string) => html.match(/class="ask"/g)?.length ?? 0;

/** The event that the person is asked about, and what is kept with it. */
async function findEvent(type: string, subject = USER) {
  const row = await env.DB.prepare(
    'SELECT id, session_id, details FROM session_events WHERE type = ? AND subject = ?',
  )
    .bind(type, subject)
    .first<{ id: string; session_id: string; details: string }>();
  if (row === null) throw new Error(`no ${type}`);
  return { id: row.id, sessionId: row.session_id, answer: JSON.parse(row.details).answer };
}

/** A person at a computer, whose phone is then used in Lima from Firefox. */
async function startUnusual(variables: Record<string, string> = {}) {
  const plain = await startWithBrowsers();
  const CLIENTS = clientsWith(plain, WEB, { recovery_url: RECOVERY });
  const service = await startWithBrowsers({ CLIENTS, ...variables });
  const phone = await service.create({ user_id: USER, client_id: 'app', user_agent: UA.iphone() });
  const { jar, session } = await signIn(service, { user_id: USER });
  // Settled here, so that the tests below are of the phone's unusual use alone.
  await env.DB.exec("DELETE FROM session_events WHERE type = 'new_device'");
  const stolen = { userAgent: UA.firefox(), ...AT.lima };
  await service.refresh(phone.refresh_token, 'app', stolen);
  return { service, jar, own: session.id, phone, event: await findEvent('mismatch') };
}

describe('yes', () => {
  it('settles it: the answer is kept, told, and not asked for again', async () => {
    const { service, jar, phone, event } = await startUnusual();
    const before = await read(service, jar);
    expect(questionsOf(before)).toBe(1);
    expect(before).toContain('<span class="badge warn">Unusual use: ');
    const response = await answer(service, jar, event.id, 'yes');
    expect([response.status, response.headers.get('location')]).toEqual([303, '/account']);
    const after = await read(service, jar);
    expect(questionsOf(after)).toBe(0);
    expect(after).not.toContain('badge warn');
    expect(after).toContain('You said that it was you');
    expect(await findEvent('mismatch')).toMatchObject({ answer: 'yes' });
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
    const told = await service.backend('GET', `/v1/users/${USER}/events`);
    expect(JSON.stringify(await told.json())).toContain('"answer":"yes"');
  });

  it('stands, whatever is answered afterwards', async () => {
    const { service, jar, event } = await startUnusual();
    await answer(service, jar, event.id, 'yes');
    await answer(service, jar, event.id, 'no');
    expect(await findEvent('mismatch')).toMatchObject({ answer: 'yes' });
  });
});

describe('no', () => {
  it('ends that session and no other, and leads to all others and the app’s password page', async () => {
    const { service, jar, own, phone, event } = await startUnusual();
    const tablet = await service.create({ user_id: USER, client_id: 'app' });
    const response = await answer(service, jar, event.id, 'no');
    expect(response.headers.get('location')).toBe('/account/not-you');
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    for (const id of [own, tablet.session.id])
      expect(await readRow(id)).toMatchObject({ revoked_at: null });
    expect(await findEvent('mismatch')).toMatchObject({ answer: 'no' });
    const html = await read(service, jar, '/account/not-you');
    expect(html).toContain(`<a class="button primary" href="${RECOVERY}">Change the password</a>`);
    expect(html).toContain('href="/account/sign-out-others"');
    expect(html).toContain('action="/account/sign-out-everywhere"');
    expect(await read(service, jar, '/account/activity')).toContain('that it was not you');
  });

  it('of what was already over is kept as well', async () => {
    const { service, jar, phone, event } = await startUnusual();
    await send(service, jar, 'POST', `/account/sessions/${phone.session.id}/sign-out`, OWN_FORM);
    expect((await answer(service, jar, event.id, 'no')).status).toBe(303);
    expect(await findEvent('mismatch')).toMatchObject({ answer: 'no' });
  });

  it('everywhere: all sessions end, this one too, and its cookies go', async () => {
    const { service, jar, own, phone } = await startUnusual();
    const response = await send(service, jar, 'POST', '/account/sign-out-everywhere', OWN_FORM);
    expect(response.headers.get('location')).toBe('/account/signed-out');
    expect(response.headers.getSetCookie().every((line) => line.includes('Max-Age=0'))).toBe(true);
    for (const id of [own, phone.session.id])
      expect(await readRow(id)).toMatchObject({ revoked_reason: 'signed_out' });
  });
});

describe('whoever sits in the session that something unusual happened in', () => {
  /** The session of the cookie itself has looked like somebody else. */
  async function startOwn() {
    const { service, jar, own, event } = await startUnusual();
    await env.DB.prepare('UPDATE session_events SET session_id = ? WHERE id = ?')
      .bind(own, event.id)
      .run();
    return { service, jar, own, event };
  }

  it('cannot say that it was its person, and may say that it was not', async () => {
    const { service, jar, own, event } = await startOwn();
    const html = await read(service, jar);
    expect(html).toContain('No, it was not me');
    expect(html).not.toContain('Yes, it was me');
    const refused = await answer(service, jar, event.id, 'yes');
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain('Please sign in again first');
    expect(await findEvent('mismatch')).toMatchObject({ answer: undefined });
    const response = await answer(service, jar, event.id, 'no');
    expect(response.headers.get('location')).toBe('/account/not-you');
    // It is needed for what comes next: to end all of them.
    expect(await readRow(own)).toMatchObject({ revoked_at: null });
    // A thief would say so, and nobody would be asked any more.
    expect(await findEvent('mismatch')).toMatchObject({ answer: undefined });
  });

  it('can once the person has proved anew who they are', async () => {
    const { service, jar, own, event } = await startOwn();
    await env.DB.prepare('UPDATE user_sessions SET auth_time = auth_time + 60 WHERE id = ?')
      .bind(own)
      .run();
    expect(await read(service, jar)).toContain('Yes, it was me');
    expect((await answer(service, jar, event.id, 'yes')).status).toBe(303);
    expect(await findEvent('mismatch')).toMatchObject({ answer: 'yes' });
  });

  it('is not asked about its own first sign-in; the others are', async () => {
    const service = await startWithBrowsers();
    const { jar, session } = await signIn(service, { user_id: USER, user_agent: UA.chrome() });
    await service.create({ user_id: USER, client_id: 'app', user_agent: UA.iphone() });
    expect((await read(service, jar)).match(/Yes, it was me/g)).toHaveLength(1);
    await env.DB.prepare("UPDATE session_events SET session_id = ? WHERE type = 'new_device'")
      .bind(session.id)
      .run();
    expect(await read(service, jar)).toContain('First sign-in on this kind of device');
    expect(await read(service, jar)).not.toMatch(/First sign-in(?:(?!<\/li>).)*class="ask"/);
  });
});

describe('an answer is refused', () => {
  it('to an event of somebody else, and of none', async () => {
    const { service, phone, event } = await startUnusual();
    const stranger = await signIn(service, { user_id: OTHER_USER });
    const guest = await signIn(service, {});
    for (const { jar } of [stranger, guest])
      for (const what of ['yes', 'no'])
        expect((await answer(service, jar, event.id, what)).status).toBe(404);
    expect((await answer(service, stranger.jar, USER, 'yes')).status).toBe(404);
    expect((await answer(service, stranger.jar, 'x', 'yes')).status).toBe(400);
    expect(await findEvent('mismatch')).toMatchObject({ answer: undefined });
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
  });

  it('to what is not unusual', async () => {
    const { service, jar } = await startUnusual();
    const { id } = await findEvent('session_created');
    await answer(service, jar, id, 'yes');
    expect(await findEvent('session_created')).toMatchObject({ answer: undefined });
  });

  it.each([
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['the app itself', { origin: 'https://app.sessions.example', 'sec-fetch-site': 'same-site' }],
    ['a browser that says nothing', { origin: '', 'sec-fetch-site': '' }],
  ])('of a form of %s (ASVS 3.5.1)', async (_, headers) => {
    const { service, jar, phone, event } = await startUnusual();
    for (const path of [
      `/account/events/${event.id}/yes`,
      `/account/events/${event.id}/no`,
      '/account/sign-out-everywhere',
    ])
      expect((await send(service, jar, 'POST', path, { ...OWN_FORM, ...headers })).status).toBe(
        403,
      );
    expect(await findEvent('mismatch')).toMatchObject({ answer: undefined });
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
  });

  it('where the person signed in too long ago (ASVS 7.5.2)', async () => {
    const { service, jar, phone, event } = await startUnusual({
      REAUTHENTICATE_TO_REVOKE_SECONDS: '60',
    });
    service.advance(61);
    for (const path of [
      `/account/events/${event.id}/yes`,
      `/account/events/${event.id}/no`,
      '/account/sign-out-everywhere',
    ])
      expect((await send(service, jar, 'POST', path, OWN_FORM)).status).toBe(401);
    expect(await findEvent('mismatch')).toMatchObject({ answer: undefined });
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
  });

  it('to a link: only a form answers', async () => {
    const { service, jar, event } = await startUnusual();
    for (const what of ['yes', 'no', 'maybe']) {
      const path = `/account/events/${event.id}/${what}`;
      expect([404, 405]).toContain((await send(service, jar, 'GET', path, NAVIGATION)).status);
    }
    expect(await findEvent('mismatch')).toMatchObject({ answer: undefined });
  });
});
