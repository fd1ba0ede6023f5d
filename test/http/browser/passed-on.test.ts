/**
 * A service of which the origin has an app with a service worker (docs/arrangements.md, one host)
 * that passes on whatever a page asks for: sign-ins go through it, and nobody else's page passes
 * for the app's.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { ISSUER, readRow, type TestService } from '../../fixtures';
import { handOff, type Jar, send, signIn, start, startWithBrowsers } from './browser';
import { passedOn } from './passed-on-forms';

const VICTIM = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const ATTACKER = '0a9c1d52-9a53-4a4e-8d4e-3f1f0f0b7a22';
const ENGINES = Object.entries(passedOn(ISSUER, 'https://blog.sessions.example'));

let service: TestService;
beforeEach(async () => {
  service = await startWithBrowsers();
});

/** The same of a link, or a redirect: it has no `Origin`. */
function linkOf({ origin: _, ...rest }: Record<string, string>): Record<string, string> {
  return rest;
}

function submit(jar: Jar, path: string, headers: Record<string, string>, body = '') {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return send(service, jar, 'POST', path, { ...type, ...headers }, body);
}
const codeIn = (startUrl: string) => `code=${new URL(startUrl).searchParams.get('code')}`;

describe.each(ENGINES)('a service worker that passes everything on, in %s', (_, form) => {
  it.each(['with a session', 'without one'])('an own page signs in, %s', async (had) => {
    const { jar } = had === 'with a session' ? await signIn(service) : { jar: new Map() };
    const { browser, session } = await handOff(service, { user_id: VICTIM });
    const response = await start(service, jar, browser.start_url, linkOf(form.own));
    expect(response.status).toBe(303);
    const current = await send(service, jar, 'GET', '/browser/session');
    expect(await current.json()).toMatchObject({ session: { id: session.id } });
  });

  it.each(['neighbour', 'hiding'] as const)(
    'a link of a %s page asks, with a session or without',
    async (whose) => {
      const { jar, session } = await signIn(service, { user_id: VICTIM });
      for (const browser of [jar, new Map()]) {
        const planted = await handOff(service, { user_id: ATTACKER });
        const url = planted.browser.start_url;
        const response = await start(service, browser, url, linkOf(form[whose]));
        expect(response.status).toBe(200);
        expect(await response.text()).toContain('<h1>Continue signing in?</h1>');
        expect(await readRow(planted.session.id)).toMatchObject({ rotated_at: null });
      }
      expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    },
  );

  it('a link of another site asks, whatever page is said to have it', async () => {
    const { browser } = await handOff(service, { user_id: ATTACKER });
    const link = { ...linkOf(form.own), 'sec-fetch-site': 'cross-site' };
    const response = await start(service, new Map(), browser.start_url, link);
    expect(response.status).toBe(200);
  });

  it('the page that asks goes on, and the session that there was ends', async () => {
    const { jar, session } = await signIn(service, { user_id: VICTIM });
    const { browser, session: next } = await handOff(service, { user_id: VICTIM });
    const answered = await submit(jar, '/browser/start', form.own, codeIn(browser.start_url));
    expect(answered.status).toBe(303);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(next.id)).toMatchObject({ revoked_at: null });
  });

  it('a form that may have come without cookies goes on over a navigation that has them', async () => {
    const { browser, session } = await handOff(service, { user_id: VICTIM });
    const jar: Jar = new Map();
    const bound = await submit(jar, '/browser/start', form.own, codeIn(browser.start_url));
    expect(bound.headers.get('location')).toBe(browser.start_url);
    await start(service, jar, browser.start_url, linkOf(form.own));
    const current = await send(service, jar, 'GET', '/browser/session');
    expect(await current.json()).toMatchObject({ session: { id: session.id } });
  });

  it.each(['neighbour', 'hiding'] as const)('a form of a %s page does nothing', async (whose) => {
    const { jar, session } = await signIn(service, { user_id: VICTIM });
    const { browser } = await handOff(service, { user_id: ATTACKER });
    const body = codeIn(browser.start_url);
    expect((await submit(jar, '/browser/start', form[whose], body)).status).toBe(403);
    for (const path of ['/account/sign-out', '/account/sign-out-everywhere'])
      expect((await submit(jar, path, form[whose])).status).toBe(403);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
  });

  it('the forms of the page for people work', async () => {
    const { jar, session } = await signIn(service, { user_id: VICTIM });
    expect((await submit(jar, '/account/sign-out', form.own)).status).toBe(303);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
  });
});

it('what is embedded, or asked for by a script, is still no navigation', async () => {
  const { browser } = await handOff(service, { user_id: VICTIM });
  for (const [mode, destination] of [
    ['navigate', 'iframe'],
    ['cors', 'empty'],
    ['no-cors', 'empty'],
    ['same-origin', 'worker'],
  ]) {
    const headers = { 'sec-fetch-mode': `${mode}`, 'sec-fetch-dest': `${destination}` };
    const own = { 'sec-fetch-site': 'same-origin', referer: `${ISSUER}/`, ...headers };
    expect((await start(service, new Map(), browser.start_url, own)).status).toBe(400);
  }
});

it('a form of an own page with `no-referrer` is its own, and nobody else’s is', async () => {
  const form = { origin: 'null', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const { jar } = await signIn(service, { user_id: VICTIM });
  for (const site of ['same-site', 'cross-site', 'none'])
    expect(
      (await submit(jar, '/account/sign-out', { ...form, 'sec-fetch-site': site })).status,
    ).toBe(403);
  const own = { ...form, 'sec-fetch-site': 'same-origin' };
  expect((await submit(jar, '/account/sign-out', own)).status).toBe(303);
});
