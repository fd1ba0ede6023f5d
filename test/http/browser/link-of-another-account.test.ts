/**
 * A start URL of an account that the browser has already, where another one is current: whoever
 * knows the link could make theirs the current one, and have the person go on as somebody else
 * (login CSRF, ASVS 3.5.1). It is used up, or expired, and yet good for that.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ISSUER, stepUp, type TestService } from '../../fixtures';
import {
  APP_ORIGIN,
  handOff,
  type Jar,
  NAVIGATION,
  OWN_FORM,
  RETURN_URL,
  SAME_ORIGIN,
  send,
  start,
  startWithAccounts,
} from './browser';

const VICTIM = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const ATTACKER = '0a9c1d52-9a53-4a4e-8d4e-3f1f0f0b7a22';

let service: TestService;
let jar: Jar;
/** Of the attacker's sign-in, in the browser that the victim uses too. */
let startUrl: string;
let sessionId: string;

beforeEach(async () => {
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  service = await startWithAccounts();
  jar = new Map();
  const attacker = await handOff(service, { user_id: ATTACKER });
  startUrl = attacker.browser.start_url;
  sessionId = attacker.session.id;
  await start(service, jar, startUrl);
  const victim = await handOff(service, { user_id: VICTIM });
  await start(service, jar, victim.browser.start_url);
  expect(await current()).toBe(VICTIM);
  return () => vi.restoreAllMocks();
});

const current = async () => {
  const response = await send(service, jar, 'GET', '/browser/session');
  return ((await response.json()) as { session: { user_id: string } }).session.user_id;
};
const site = (value: string, referer: string | null = null) => ({
  ...NAVIGATION,
  'sec-fetch-site': value,
  ...(referer !== null && { referer }),
});
const codeOf = (url: string) => new URL(url).searchParams.get('code') as string;

const FROM_ELSEWHERE: [string, Record<string, string>][] = [
  ['another site', site('cross-site')],
  ['a mail, or the address bar', site('none')],
  ['another host of the site', site('same-site', 'https://evil.sessions.example/')],
  ['a browser without fetch metadata', {}],
];

describe.each([0, 61])('a link that was used, opened again after %i seconds', (seconds) => {
  beforeEach(() => service.advance(seconds));

  it.each(FROM_ELSEWHERE)('asks before it switches: from %s', async (_, headers) => {
    const before = new Map(jar);
    const asked = await start(service, jar, startUrl, headers);
    expect(asked.status).toBe(200);
    const page = await asked.text();
    expect(page).toContain('<h1>Continue signing in?</h1>');
    expect(page).not.toContain('that session ends');
    expect(jar).toEqual(before);
    expect(await current()).toBe(VICTIM);
  });

  it('switches when the person goes on, or a page of the app sent them', async () => {
    const back = async () =>
      send(service, jar, 'POST', '/browser/switch', SAME_ORIGIN, '{"index":1}');
    const form = { ...NAVIGATION, ...OWN_FORM };
    const body = new URLSearchParams({ code: codeOf(startUrl) }).toString();
    const gone = await send(service, jar, 'POST', '/browser/start', form, body);
    expect([gone.status, gone.headers.get('location')]).toEqual([303, RETURN_URL]);
    expect(await current()).toBe(ATTACKER);
    expect((await back()).status).toBe(200);
    await start(service, jar, startUrl, site('same-site', `${APP_ORIGIN}/`));
    expect(await current()).toBe(ATTACKER);
  });

  it('goes on without a question where the account is the current one', async () => {
    await send(service, jar, 'POST', '/browser/switch', SAME_ORIGIN, '{"index":0}');
    for (const [, headers] of FROM_ELSEWHERE)
      expect((await start(service, jar, startUrl, headers)).status).toBe(303);
    expect(await current()).toBe(ATTACKER);
  });

  it('does not make an account current whose session is over', async () => {
    await service.backend('DELETE', `/v1/sessions/${sessionId}`);
    const refused = await start(service, jar, startUrl);
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain('This sign-in link does not work');
    // A program hears of the session; nobody sent an access token.
    const headers = { ...NAVIGATION, accept: 'application/json' };
    const told = await start(service, jar, startUrl, headers);
    expect(await told.json()).toMatchObject({ code: 'session_ended', reason: 'revoked' });
    expect(told.headers.get('www-authenticate')).toMatch(/^Cookie /);
    expect(await current()).toBe(VICTIM);
  });
});

describe('a code that steps an account up', () => {
  const hand = async () => {
    const { body } = await stepUp(service, sessionId, { browser: { return_url: RETURN_URL } });
    return (body as unknown as { browser: { start_url: string } }).browser.start_url;
  };

  it.each(FROM_ELSEWHERE)('asks before it switches: from %s', async (_, headers) => {
    expect((await start(service, jar, await hand(), headers)).status).toBe(200);
    expect(await current()).toBe(VICTIM);
  });

  it('is nothing to a browser without the account, which is not asked', async () => {
    const answer = await service.request((await hand()).slice(ISSUER.length), {
      headers: site('cross-site'),
    });
    expect(answer.status).toBe(400);
  });
});
