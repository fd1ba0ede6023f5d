/**
 * What a person in doubt needs to be sure of: that the page says no more than is known, by the
 * names that they know, and that there is a way on from wherever they are.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { clean } from '../../../src/http/account/texts/clean';
import { clientsWith, ISSUER, type TestService } from '../../fixtures';
import { empty } from '../../large-data';
import { AT, UA } from '../../risk/callers';
import { endpoint, startTelling } from '../../webhooks/receiver';
import {
  giveBack,
  handOff,
  type Jar,
  NAVIGATION,
  OWN_FORM,
  send,
  signIn,
  start,
  startWithAccounts,
  startWithBrowsers,
  WEB,
} from '../browser/browser';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c71';
const HOME = 'https://shop.example/';
const OVERLOADED = 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.';

beforeEach(async () => {
  await empty();
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const NOBODY: Jar = new Map();
const get = (service: TestService, jar: Jar, path: string) =>
  send(service, jar, 'GET', path, NAVIGATION);
const read = async (service: TestService, jar: Jar, path = '/account') =>
  (await get(service, jar, path)).text();
const post = (service: TestService, jar: Jar, path: string, body = '') =>
  send(service, jar, 'POST', path, OWN_FORM, body);
const titleOf = (html: string) => /<h1>(.*?)<\/h1>/.exec(html)?.[1];

/** The form of a page that offers to try again, as a browser would send it. */
function readAgain(html: string) {
  const [, action = '', fields = ''] =
    /<form method="post" action="([^"]+)" class="row">(.*?)<button[^>]+>Try again</.exec(html) ??
    [];
  const values = [...fields.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)];
  const body = values.map(([, name, value]) => [name, value?.replaceAll('&amp;', '&')]);
  return { action, body: new URLSearchParams(body as [string, string][]).toString() };
}

describe('“You are signed out”', () => {
  it('is not said to whoever is signed in, whoever made the link', async () => {
    const service = await startWithBrowsers({ ASSETS: env.ASSETS });
    const { jar } = await signIn(service, { user_id: USER });
    const response = await get(service, jar, '/account/signed-out?lang=de');
    expect([response.status, response.headers.get('location')]).toEqual([303, '/account?lang=de']);
    await post(service, jar, '/account/sign-out');
    expect(titleOf(await read(service, jar, '/account/signed-out'))).toBe('You are signed out');
  });

  it('is where the last account of the list leads to; the others lead back to it', async () => {
    const service = await startWithAccounts();
    const jar: Jar = new Map();
    for (const name of ['Ada', 'Bob']) {
      const { browser } = await handOff(service, {
        user_id: crypto.randomUUID(),
        metadata: { display_name: name },
      });
      await start(service, jar, browser.start_url);
    }
    const list = await read(service, jar, '/account/accounts');
    expect(list).toContain('<a class="button" href="/account">Back to your devices</a>');
    const first = await post(service, jar, '/account/accounts/1/sign-out');
    expect(first.headers.get('location')).toBe('/account/accounts');
    // Of an account that is not current there are no devices to go back to.
    expect(await read(service, jar, '/account/accounts')).not.toContain('Back to your devices');
    const last = await post(service, jar, '/account/accounts/0/sign-out');
    expect(last.headers.get('location')).toBe('/account/signed-out');
  });
});

describe('“You are still signed in”', () => {
  it('is said to somebody who is, of a page that only reads', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    service.database.faults = [{ before: OVERLOADED }];
    expect(await read(service, jar)).toContain('You are still signed in.');
  });

  it('is not said of a form, which may have been done before the answer was lost', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    service.database.faults = [{ after: OVERLOADED }];
    const response = await post(service, jar, '/account/sign-out');
    expect(response.status).toBe(503);
    const html = await response.text();
    expect(titleOf(html)).toBe('Please try again in a moment');
    expect(html).not.toMatch(/signed in|<p class="lead">/);
  });

  it('is not said to somebody without a session, as by the link of a mail', async () => {
    const { service, path } = await startTold();
    service.database.faults = [{ before: OVERLOADED }];
    const response = await get(service, NOBODY, path);
    expect(response.status).toBe(503);
    const html = await response.text();
    expect(titleOf(html)).toBe('Please try again in a moment');
    expect(html).not.toContain('signed in');
    expect(html).toContain(`href="${path}">Try again</a>`);
  });
});

/** A phone that is used from elsewhere, and the link that a mail about it has. */
async function startTold() {
  const { service, receiver, runCron } = await startTelling([endpoint('team')], {
    RISK_POLICY: 'notify',
  });
  const phone = await service.create({ user_id: USER, user_agent: UA.iphone() });
  await service.refresh(phone.refresh_token, 'app', { userAgent: UA.firefox(), ...AT.lima });
  await runCron();
  const url = receiver.arrived
    .map(({ text }) => JSON.parse(text) as { type: string; data: { review_url?: string } })
    .find(({ type }) => type === 'mismatch')?.data.review_url;
  return { service, phone, path: (url ?? '').slice(ISSUER.length) };
}

describe('what is tried again is what the person has sent', () => {
  it('the answer to the link of a mail, which was not used by the first try', async () => {
    const { service, phone, path } = await startTold();
    const body = new URLSearchParams({ token: path.split('token=')[1] ?? '', answer: 'no' });
    service.database.faults = [{ before: OVERLOADED }];
    const failed = await post(service, NOBODY, '/account/review', body.toString());
    expect(failed.status).toBe(503);
    const again = readAgain(await failed.text());
    expect(again).toEqual({ action: '/account/review', body: body.toString() });
    const done = await post(service, NOBODY, again.action, again.body);
    expect([done.status, titleOf(await done.text())]).toEqual([200, 'Secure your account']);
    expect((await service.refresh(phone.refresh_token)).body.reason).toBe('signed_out');
  });

  it('the name of a device', async () => {
    const service = await startWithBrowsers();
    const { jar, session } = await signIn(service, { user_id: USER });
    service.database.faults = [{ before: OVERLOADED }];
    const body = new URLSearchParams({ label: 'Ada & Bob’s <iPad>' }).toString();
    const failed = await post(service, jar, `/account/sessions/${session.id}/name?lang=en`, body);
    const html = await failed.text();
    expect(html).not.toContain('<iPad>');
    const again = readAgain(html.replaceAll('&lt;', '<').replaceAll('&gt;', '>'));
    await post(service, jar, again.action, again.body);
    expect(await read(service, jar)).toContain('Ada &amp; Bob’s &lt;iPad&gt;');
  });
});

describe('names are those that a person knows', () => {
  const named = async () => {
    const plain = await startWithBrowsers();
    return startWithBrowsers({
      CLIENTS: clientsWith({ ...plain, env: await withNames(plain) }, WEB, { home_url: HOME }),
    });
  };
  const withNames = async (plain: TestService) => ({
    ...plain.env,
    CLIENTS: clientsWith(plain, 'app', { name: 'Acme for iPhone' }),
  });

  it('of the app, to whoever is asked whether a sign-in goes on', async () => {
    const plain = await startWithBrowsers();
    const CLIENTS = clientsWith(plain, WEB, { name: 'Acme Shop' });
    const service = await startWithBrowsers({ CLIENTS });
    const { browser } = await handOff(service);
    const response = await service.request(browser.start_url.slice(ISSUER.length), {
      headers: { ...NAVIGATION, 'sec-fetch-site': 'cross-site' },
    });
    expect(await response.text()).toContain('signs you in to <bdi>Acme Shop</bdi> and');
  });

  it('of the app that signed a device out', async () => {
    const service = await named();
    const { jar } = await signIn(service, { user_id: USER });
    const { refresh_token: token } = await service.create({ user_id: USER, client_id: 'app' });
    await giveBack(service, token);
    expect(await read(service, jar)).toContain('<span>By Acme for iPhone</span>');
  });

  it('of a device, in what happened to it too; one that nothing is known of has none', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await service.create({ user_id: USER, user_agent: UA.iphone(), label: 'Mobil' });
    const other = await service.create({ user_id: USER });
    const html = await read(service, jar, '/account/activity');
    const link = `href="/account/sessions/${phone.session.id}"`;
    expect(html).toContain(`<a ${link}><bdi>Mobil</bdi></a></span><span>Safari on iOS</span>`);
    expect(html).toContain(`<a href="/account/sessions/${other.session.id}">Unknown device</a>`);
    await env.DB.prepare('DELETE FROM user_sessions WHERE id IN (?, ?)')
      .bind(phone.session.id, other.session.id)
      .run();
    // What is purged has no page any more.
    const later = await read(service, jar, '/account/activity');
    expect(later).not.toContain(phone.session.id);
    expect(later).toContain('<span>Unknown device</span>');
  });

  it('of support staff, apart from the direction of what is around it', async () => {
    const service = await startWithBrowsers();
    const { jar } = await signIn(service, { user_id: USER });
    const act = { sub: 'agent-7' };
    await service.create({ user_id: USER, client_id: 'app', act, reason: 'Ticket 4711' });
    expect(await read(service, jar)).toContain('Support access: <bdi>agent-7</bdi>');
  });

  it.each([
    ['a joiner of Persian', 'می\u200cخواهم', 'می\u200cخواهم'],
    ['a joined emoji', '👩\u200d💻', '👩\u200d💻'],
    ['half of a character', 'a\ud83d', 'a'],
    ['the last of too many emoji', '📱'.repeat(90), `${'📱'.repeat(79)}…`],
    ['80 emoji', '📱'.repeat(80), '📱'.repeat(80)],
    ['directions and controls', 'a\u202eb\u2066c\u200bd\u0007e\ufefff', 'abcdef'],
  ])('%s', (_, text, expected) => {
    expect(clean(text)).toBe(expected);
  });
});

describe('support staff, who act as the person', () => {
  it('are offered nothing that they may not do, and told why where they try', async () => {
    const service = await startWithBrowsers();
    const phone = await service.create({ user_id: USER, user_agent: UA.iphone() });
    await service.refresh(phone.refresh_token, 'app', { userAgent: UA.firefox(), ...AT.lima });
    const own = await signIn(service, { user_id: USER });
    const act = { sub: 'agent-7' };
    const { jar } = await signIn(service, { user_id: USER, act, reason: 'Ticket 4711' });
    const path = `/account/sessions/${phone.session.id}`;
    const offered = async (by: Jar) => {
      const html = (await read(service, by)) + (await read(service, by, path));
      const forms = html.match(/<form method="post"(?! hidden)[^>]*>/g) ?? [];
      return { forms: forms.join(), all: html.includes('/account/sign-out-others') };
    };
    const all = await offered(own.jar);
    expect(all.all).toBe(true);
    for (const wanted of ['class="ask"', `${path}/sign-out`, `${path}/name`])
      expect(all.forms).toContain(wanted);
    const few = await offered(jar);
    expect(few).toEqual({
      forms: '<form method="post" action="/account/sign-out">',
      all: false,
    });
    const refused = await post(service, jar, `${path}/sign-out`);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('Support staff may not do this.');
    expect((await service.refresh(phone.refresh_token)).status).toBe(200);
  });
});

describe('the way back to the app', () => {
  const BACK = `<a href="${HOME}">Back to <bdi>web</bdi></a>`;
  const ONE_APP = JSON.stringify([
    { client_id: WEB, home_url: HOME, origins: ['https://app.sessions.example'] },
    { client_id: 'app' },
  ]);

  it.each(['/account', '/account/signed-out', '/account/nothing', '/account/review?token=x'])(
    'is at %s, without a session, where there is one app',
    async (path) => {
      const html = await read(await startWithBrowsers({ CLIENTS: ONE_APP }), NOBODY, path);
      expect(html).toContain(BACK);
    },
  );

  it('is that of the session where there are several, and nowhere without one', async () => {
    const plain = await startWithBrowsers();
    const CLIENTS = clientsWith(plain, WEB, { home_url: HOME });
    const service = await startWithBrowsers({ CLIENTS });
    const { jar } = await signIn(service, { user_id: USER });
    for (const path of ['/account', '/account/accounts', '/account/nothing'])
      expect(await read(service, jar, path)).toContain(BACK);
    expect(await read(service, NOBODY)).not.toContain('Back to <bdi>');
  });

  it('is a button where nothing else is left to do', async () => {
    const service = await startWithBrowsers({ CLIENTS: ONE_APP });
    for (const path of ['/account', '/account/signed-out'])
      expect(await read(service, NOBODY, path)).toContain(
        `<a class="button primary" href="${HOME}">Go to the app</a>`,
      );
  });
});
