/**
 * Whose account it is, the devices that a person would take for one, and the page of one device:
 * what is known of it, its name, and its history.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { clientsWith, readRow, type TestService } from '../../fixtures';
import { empty, fillEvents } from '../../large-data';
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

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c41';
const OTHER_USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c42';

beforeEach(async () => {
  await empty();
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** As the app describes itself for the pages, beside what the tests' clients are. */
async function startDescribed(pages: Record<string, string>): Promise<TestService> {
  return startWithBrowsers({ CLIENTS: clientsWith(await startWithBrowsers(), WEB, pages) });
}

const read = async (service: TestService, jar: Jar, path: string) =>
  (await send(service, jar, 'GET', path, NAVIGATION)).text();
const phoneOf = (service: TestService, body: Record<string, unknown> = {}) =>
  service.create({ user_id: USER, client_id: 'app', user_agent: UA.iphone(), ...body });

describe('whose account it is, and the way back', () => {
  it.each([
    [{ metadata: { display_name: 'Ada <L.>' }, claims: { name: 'A' } }, 'Ada &lt;L.&gt;'],
    [{ claims: { name: 'Ada', email: 'ada@example.com' } }, 'Ada'],
    [{ claims: { email: 'ada@example.com' } }, 'ada@example.com'],
  ])('%j is signed in as %s', async (body, name) => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER, ...body });
    for (const path of ['/account', '/account/activity', '/account/sign-out-others'])
      expect(await read(service, jar, path)).toContain(`Signed in as <bdi>${name}</bdi>`);
  });

  it.each([{}, { claims: { name: 7, email: '' } }])('%j names nobody', async (body) => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER, ...body });
    expect(await read(service, jar, '/account')).not.toContain('Signed in as');
  });

  it('the app is named, and its home is a link away', async () => {
    const home_url = 'https://shop.example/home';
    const service = await startDescribed({ name: 'The Shop', home_url });
    const { jar } = await signIn(service, { user_id: USER });
    const html = await read(service, jar, '/account');
    expect(html).toContain(`<a href="${home_url}">Back to <bdi>The Shop</bdi></a>`);
    expect(html).toContain('<span><bdi>The Shop</bdi></span>');
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    expect(await read(service, jar, '/account')).toContain(`href="${home_url}">Go to the app</a>`);
  });

  it.each([
    ['home_url', 'javascript:alert(1)'],
    ['home_url', 'http://shop.example'],
    ['recovery_url', 'https://user:word@shop.example'],
    ['name', 'a\u202eb'],
    ['name', ''],
  ])('%s cannot be %j', async (member, value) => {
    const service = await startDescribed({ [member]: value });
    const body = JSON.stringify({ client_id: WEB });
    const headers = { ...service.credentials, 'content-type': 'application/json' };
    const answer = await service.request('/v1/sessions', { method: 'POST', body, headers });
    expect(answer.status).not.toBe(201);
  });
});

describe('the devices', () => {
  it('that are alike are one, with their count; another app, or a name, makes another', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    for (let time = 0; time < 3; time += 1) await phoneOf(service);
    await phoneOf(service, { client_id: 'other-web' });
    await phoneOf(service, { label: 'Work phone' });
    const html = await read(service, jar, '/account');
    expect(html.match(/<summary>3 sign-ins<\/summary>/g)).toHaveLength(1);
    expect(html.match(/<summary>/g)).toHaveLength(1);
    expect(html).toContain('><bdi>Work phone</bdi></a></h3>');
    expect(html.match(/aria-label="Sign out /g)).toHaveLength(6);
  });

  it('say app, version, place, sign-in method and how long they last', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await phoneOf(service, { amr: ['pwd', 'otp', 'mfa'] });
    await service.refresh(phone.refresh_token, 'app', { userAgent: UA.iphone(), ...AT.lyon });
    const html = await read(service, jar, '/account');
    const [, facts = ''] =
      /Safari on iOS<\/a><\/h3><p class="facts"[^>]*>(.*?)<\/p>/.exec(html) ?? [];
    const text = facts.replaceAll('</span><span>', ' · ').replaceAll(/<[^>]+>/g, '');
    expect(text).toMatch(
      /^app · Version \d+ · Lyon, France · Signed in just now · Last active just now · Confirmed by password and one-time code · Ends in 14 days unless used$/,
    );
  });

  it('can all be signed out at the top of the page, in the colour of danger', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    expect(await read(service, jar, '/account')).not.toContain('sign-out-others');
    await phoneOf(service);
    const html = await read(service, jar, '/account');
    const button = html.indexOf('<a class="button danger" href="/account/sign-out-others">');
    expect(button).toBeGreaterThan(0);
    expect(button).toBeLessThan(html.indexOf('This device'));
  });
});

describe('a sign-in', () => {
  it('on a new kind of device is one entry', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER, user_agent: UA.chrome() });
    service.advance(60);
    await phoneOf(service);
    const html = await read(service, jar, '/account/activity');
    expect(html.match(/First sign-in on this kind of device/g)).toHaveLength(1);
    expect(html.match(/<strong>Signed in<\/strong>/g)).toHaveLength(1);
  });
});

describe('the page of a device', () => {
  it('has its history and no other’s, with exact times that can be read without a mouse', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await phoneOf(service);
    service.advance(3_600);
    await service.refresh(phone.refresh_token, 'app', { userAgent: UA.firefox(), ...AT.lima });
    const path = `/account/sessions/${phone.session.id}`;
    expect(await read(service, jar, '/account')).toContain(`href="${path}"`);
    const html = await read(service, jar, path);
    expect(html.match(/<strong/g)).toHaveLength(2);
    expect(html).toMatch(/<strong[^>]*>Unusual use<\/strong>/);
    expect(html).toContain('>1 January 2026 at 00:00 UTC (1 hour ago)</time>');
    expect(html).toContain(`action="${path}/sign-out"`);
  });

  it('is there when the device is signed out, and says so', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await phoneOf(service);
    await send(service, jar, 'POST', `/account/sessions/${phone.session.id}/sign-out`, OWN_FORM);
    const html = await read(service, jar, `/account/sessions/${phone.session.id}`);
    expect(html).toContain('<span class="badge warn">Signed out</span>');
    expect(html).toContain('From one of your devices');
    expect(html).not.toMatch(/action="[^"]+\/(?:sign-out|name)"/);
  });

  it('of somebody else, of none, and of what is no id, is not found', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const guest = await signIn(service, {});
    const victim = await service.create({ user_id: OTHER_USER });
    for (const id of [victim.session.id, OTHER_USER, 'x', '%00'])
      for (const whose of [jar, guest.jar]) {
        const answer = await send(service, whose, 'GET', `/account/sessions/${id}`, NAVIGATION);
        expect(answer.status).toBe(404);
        expect(await answer.text()).toContain('There is nothing here');
      }
  });

  it('takes two round trips and a page of rows, whatever the history, and goes back page by page', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await phoneOf(service);
    await fillEvents(USER, 50_000);
    Object.assign(service.database, { roundTrips: 0, rowsRead: 0 });
    const html = await read(service, jar, `/account/sessions/${phone.session.id}`);
    expect(service.database.roundTrips).toBe(2);
    expect(service.database.rowsRead).toBeLessThan(800);
    expect(html).toContain('Nothing has happened');
    expect(html).toMatch(/href="\/account\/sessions\/[^"]+\?before=\d+">Show older activity</);
  });
});

describe('a name for a device', () => {
  const rename = (
    service: TestService,
    jar: Jar,
    id: string,
    label: string,
    headers = OWN_FORM,
  ) => {
    const body = new URLSearchParams({ label }).toString();
    return send(service, jar, 'POST', `/account/sessions/${id}/name`, headers, body);
  };

  it('is kept, shown and taken away again', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const { session } = await phoneOf(service);
    const answer = await rename(service, jar, session.id, ' Télé du salon 📺 ');
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      `/account/sessions/${session.id}`,
    ]);
    expect(await readRow(session.id)).toMatchObject({ label: 'Télé du salon 📺' });
    expect(await read(service, jar, '/account')).toContain('><bdi>Télé du salon 📺</bdi></a>');
    await rename(service, jar, session.id, '  ');
    expect(await readRow(session.id)).toMatchObject({ label: null });
  });

  it.each(['x'.repeat(81), 'a\u202eb', 'a\u0000b'])('cannot be %j', async (label) => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const { session } = await phoneOf(service);
    expect((await rename(service, jar, session.id, label)).status).toBe(400);
    expect(await readRow(session.id)).toMatchObject({ label: null });
  });

  it('is given by nobody else, and to nothing that is over', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const victim = await service.create({ user_id: OTHER_USER });
    const over = await phoneOf(service);
    await send(service, jar, 'POST', `/account/sessions/${over.session.id}/sign-out`, OWN_FORM);
    for (const { session } of [victim, over]) {
      expect((await rename(service, jar, session.id, 'mine')).status).toBe(404);
      expect(await readRow(session.id)).toMatchObject({ label: null });
    }
  });

  it('is not given by a form of another site (ASVS 3.5.1)', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const { session } = await phoneOf(service);
    const foreign = { ...OWN_FORM, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await rename(service, jar, session.id, 'x', foreign)).status).toBe(403);
    expect(await readRow(session.id)).toMatchObject({ label: null });
  });
});

it('a row that was written by hand stops no page', async () => {
  const service = await startWithBrowsers();
  const { jar } = await signIn(service, { user_id: USER });
  const { session } = await phoneOf(service);
  await env.DB.prepare(
    "UPDATE user_sessions SET amr = '7', metadata = '[', claims = 'null', created_at = 'x', last_signals = '{' WHERE id = ?",
  )
    .bind(session.id)
    .run();
  for (const path of ['/account', `/account/sessions/${session.id}`])
    expect((await send(service, jar, 'GET', path, NAVIGATION)).status).toBe(200);
});
