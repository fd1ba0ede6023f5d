/**
 * What the pages for people say is true: of what was done, of who did it, and of what went wrong,
 * wherever below /account it did.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ISSUER, type TestService } from '../../fixtures';
import { UA } from '../../risk/callers';
import {
  giveBack,
  type Jar,
  NAVIGATION,
  OWN_FORM,
  send,
  signIn,
  startWithBrowsers,
} from '../browser/browser';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c21';
const OVERLOADED = [{ before: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.' }];
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const get = (service: TestService, jar: Jar, path: string) =>
  send(service, jar, 'GET', path, NAVIGATION);
const post = (service: TestService, jar: Jar, path: string, body?: string) =>
  send(service, jar, 'POST', path, OWN_FORM, body);
const read = async (service: TestService, jar: Jar, path: string) =>
  (await get(service, jar, path)).text();

const DEVICE_DONE = 'The device was signed out.';
const OTHERS_DONE = 'All other devices were signed out.';

describe('this device', () => {
  it('comes first, and can be signed out, however many newer sessions there are', async () => {
    const service = await startWithBrowsers({ MAX_SESSIONS_PER_USER: '0' });
    const { jar } = await signIn(service, { user_id: USER, user_agent: UA.safari });
    service.advance(60);
    for (let number = 0; number < 101; number += 1)
      await service.create({ user_id: USER, client_id: 'app', user_agent: UA.firefox() });
    const html = await read(service, jar, '/account');
    const [, own = ''] = /<h2>This device<\/h2>(.*?)<h2>/.exec(html) ?? [];
    expect(own).toContain('Safari');
    expect(own).toContain('Active now');
    expect(own).toContain('action="/account/sign-out"');
    expect(html.match(/action="\/account\/sessions\/[^"]+\/sign-out"/g)).toHaveLength(100);
    expect(html).toContain('The 100 most recent are shown.');
  });
});

describe('who was signed out, and by whom, is in the activity', () => {
  it.each([
    [
      'the person, elsewhere',
      'From one of your devices',
      async (service: TestService, id: string, jar: Jar) => {
        await post(service, jar, `/account/sessions/${id}/sign-out`);
      },
    ],
    [
      'a client',
      'By app',
      (service: TestService, _: string, __: Jar, token: string) => giveBack(service, token),
    ],
  ])('by %s', async (_, actor, end) => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await service.create({
      user_id: USER,
      client_id: 'app',
      user_agent: UA.iphone(),
    });
    await end(service, phone.session.id, jar, phone.refresh_token);
    const html = await read(service, jar, '/account/activity');
    const [, facts] = /<strong>Signed out<\/strong><p class="facts">(.*?)<\/p>/.exec(html) ?? [];
    expect(facts?.replaceAll(/<\/?a[^>]*>/g, '')).toBe(
      `<span>Safari on iOS</span><span>${actor}</span>`,
    );
  });

  it('what a person did not do is not said to be theirs', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    await service.create({ user_id: USER, client_id: 'app', user_agent: UA.iphone() });
    expect(await read(service, jar, '/account/activity')).not.toContain('From one of your devices');
  });
});

describe('that something was done is said where it was, not where the address says so', () => {
  it('of one device', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await service.create({ user_id: USER, client_id: 'app' });
    expect(await read(service, jar, '/account?done=device')).not.toContain(DEVICE_DONE);
    await post(service, jar, `/account/sessions/${phone.session.id}/sign-out`);
    expect(await read(service, jar, '/account?done=device')).toContain(DEVICE_DONE);
    service.advance(120);
    expect(await read(service, jar, '/account?done=device')).not.toContain(DEVICE_DONE);
  });

  it('of all others', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    expect(await read(service, jar, '/account?done=others')).not.toContain(OTHERS_DONE);
    const phone = await service.create({ user_id: USER, client_id: 'app' });
    const tablet = await service.create({ user_id: USER, client_id: 'app' });
    expect(await read(service, jar, '/account?done=others')).not.toContain(OTHERS_DONE);
    await post(service, jar, `/account/sessions/${phone.session.id}/sign-out`);
    expect(await read(service, jar, '/account?done=others')).not.toContain(OTHERS_DONE);
    await post(service, jar, '/account/sign-out-others');
    expect(await read(service, jar, '/account?done=others')).toContain(OTHERS_DONE);
    expect((await service.refresh(tablet.refresh_token)).body.reason).toBe('signed_out');
  });

  it('not where a backend ended the session, though the address names the person', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const { refresh_token: token } = await service.create({ user_id: USER, client_id: 'app' });
    await giveBack(service, token);
    const html = await read(service, jar, '/account?done=others');
    expect(html).toContain('You are not signed in anywhere else.');
    expect(html).not.toContain(OTHERS_DONE);
  });
});

describe('whatever goes wrong below /account is a page with the look of the others', () => {
  it.each([
    ['an unknown path', 'GET', '/account/nothing', 404, 'There is nothing here'],
    ['an unknown path below a device', 'GET', '/account/sessions/x', 404, 'There is nothing here'],
    ['a form for an unknown path', 'POST', '/account/nothing', 404, 'There is nothing here'],
    ['the address of a form', 'GET', '/account/sign-out', 405, 'There is nothing here'],
    ['a form for a page', 'POST', '/account/activity', 405, 'There is nothing here'],
    ['a device that is none', 'POST', '/account/sessions/x/sign-out', 400, 'That did not work'],
  ])('%s: %s %s is %i', async (_, method, path, status, title) => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const response = await send(
      service,
      jar,
      method,
      path,
      method === 'POST' ? OWN_FORM : NAVIGATION,
    );
    const html = await response.text();
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('content-security-policy')).toBe(POLICY);
    expect(response.headers.get('referrer-policy')).toBe('strict-origin');
    expect(response.headers.has('allow')).toBe(status === 405);
    expect(html).toContain('<link rel="stylesheet" href="/account/style.css?v=');
    expect(html).toContain(`<h1>${title}</h1>`);
    expect(html).toContain('<a class="button primary" href="/account">Back to your devices</a>');
    expect(html).not.toContain('did not come from this page');
  });

  it('a form that is too large', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const response = await post(service, jar, '/account/sign-out', 'x'.repeat(200_000));
    expect([response.status, response.headers.get('content-type')]).toEqual([
      413,
      'text/html; charset=UTF-8',
    ]);
    expect(await response.text()).toContain('could not be understood, and nothing was changed');
  });

  it('under an issuer with a path as well, and nowhere else', async () => {
    const service = await startWithBrowsers({ ISSUER: `${ISSUER}/auth` });
    const page = await service.request('/auth/account/nothing');
    expect([page.status, await page.text()]).toEqual([
      404,
      expect.stringContaining('<a class="button primary" href="/auth/account">'),
    ]);
    for (const path of ['/auth/accounts', '/account/nothing']) {
      const problem = await service.request(path);
      expect(problem.headers.get('content-type')).toBe('application/problem+json');
    }
  });
});

describe('what may succeed in a moment is offered again', () => {
  it('a page: the same address, its query included', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    service.database.faults = OVERLOADED.slice();
    const response = await get(service, jar, '/account/activity?before=7');
    expect(response.status).toBe(503);
    const html = await response.text();
    expect(html).toContain(
      '<a class="button primary" href="/account/activity?before=7">Try again</a>',
    );
    expect(html).not.toContain('Back to your devices');
  });

  it('a form: the same form, and it works', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await service.create({ user_id: USER, client_id: 'app' });
    service.database.faults = OVERLOADED.slice();
    const response = await post(service, jar, `/account/sessions/${phone.session.id}/sign-out`);
    expect(response.status).toBe(503);
    const [, action = ''] =
      /<form method="post" action="([^"]+)" class="row"><button[^>]+>Try again</.exec(
        await response.text(),
      ) ?? [];
    service.database.faults = [];
    expect((await post(service, jar, action)).headers.get('location')).toBe('/account?done=device');
    expect((await service.refresh(phone.refresh_token)).body.reason).toBe('signed_out');
  });
});

it('a form of another site is told that it is one, and is the only one that is', async () => {
  const service = await startWithBrowsers();
  const { jar } = await signIn(service, { user_id: USER });
  const response = await send(service, jar, 'POST', '/account/sign-out', {
    ...OWN_FORM,
    origin: 'https://evil.example',
    'sec-fetch-site': 'cross-site',
  });
  expect(response.status).toBe(403);
  expect(await response.text()).toContain('The request did not come from this page.');
});
