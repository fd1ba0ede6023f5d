/**
 * How people come by a page for them: by links that mails, chats and trackers have added something
 * to, and with a slash at the end.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ISSUER, startService, type TestService } from '../../fixtures';
import { asBackend, handOff, NAVIGATION, signIn, startWithBrowsers } from '../browser/browser';

const TRACKED = 'utm_source=mail&utm_source=chat&fbclid=&__proto__=x';

let service: TestService;
let cookie: string;
beforeEach(async () => {
  service = await startWithBrowsers();
  ({ cookie } = asBackend((await signIn(service)).jar));
});

describe('a parameter that the page does not know', () => {
  it.each(['/account', '/account/activity', '/account/sign-out-others', '/account/accounts'])(
    'is ignored at %s, and in none of its links',
    async (path) => {
      const response = await service.request(`${path}?${TRACKED}`, { headers: { cookie } });
      expect(response.status).toBe(200);
      expect(await response.text()).not.toMatch(/utm_source|fbclid|__proto__/);
    },
  );

  it('is not in the link to try again either', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    service.database.faults = [{ before: 'D1_ERROR: internal error' }];
    const path = `/account/activity?${TRACKED}&before=9`;
    const response = await service.request(path, { headers: { cookie } });
    expect(response.status).toBe(503);
    const page = await response.text();
    expect(page).toContain('href="/account/activity?before=9"');
    expect(page).not.toContain('utm_source');
    vi.restoreAllMocks();
  });

  it('leaves those that it knows as they are', async () => {
    const done = await service.request(`/account?${TRACKED}&done=device`, { headers: { cookie } });
    const plain = await service.request('/account?done=device', { headers: { cookie } });
    expect(await done.text()).toBe(await plain.text());
    const wrong = await service.request('/account/activity?before=x', { headers: { cookie } });
    expect(wrong.status).toBe(400);
  });

  it('is ignored by a start URL, and not taken along to the app', async () => {
    const { browser } = await handOff(service);
    const path = `${browser.start_url.slice(ISSUER.length)}&${TRACKED}`;
    const response = await service.request(path, { headers: NAVIGATION });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).not.toContain('utm_source');
  });
});

describe('a slash at the end', () => {
  it.each(['/account', '/account/activity', '/account/signed-out'])(
    'leads to the page %s',
    async (path) => {
      const response = await service.request(`${path}/`, { headers: { cookie } });
      expect(response.status).toBe(308);
      expect(response.headers.get('location')).toBe(path);
    },
  );

  it('leads to the start URL with its code', async () => {
    const { browser } = await handOff(service);
    const path = browser.start_url.slice(ISSUER.length).replace('start?', 'start/?');
    const response = await service.request(path, { headers: NAVIGATION });
    expect(response.headers.get('location')).toBe(path.replace('start/?', 'start?'));
  });

  it('leads to it below the path of the issuer', async () => {
    const mounted = await startService({ ISSUER: 'https://app.example/auth' });
    const response = await mounted.request('/auth/account/');
    expect(response.status).toBe(308);
    expect(response.headers.get('location')).toBe('/auth/account');
  });

  it('is nothing to a form, nor to the API', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', cookie };
    const form = await service.request('/account/sign-out/', { method: 'POST', headers });
    expect(form.status).toBe(404);
    expect((await service.request('/v1/sessions/')).status).not.toBe(308);
  });
});
