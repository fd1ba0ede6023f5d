/** Operators who come with a session of the service: who is let in, and who may act. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFormKey, toFormToken } from '../../../src/console/form-token.ts';
import {
  AUDIENCE,
  actsOn,
  CONSOLE_ORIGIN,
  ISSUER,
  newUser,
  OPERATOR,
  OTHER_APP,
  openBrowser,
  startTwoWorkers,
  type TwoWorkers,
  titleIn,
} from './two-workers.ts';

const HOUR = 3600;
const ago = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;

/** An operator who has one session alone. */
const LATE = newUser();

let workers: TwoWorkers;
beforeAll(async () => {
  workers = await startTwoWorkers({
    variables: { ISSUER, AUDIENCE, OPERATORS: [OPERATOR, LATE], SIGN_IN_URL: '/sign-in' },
  });
});
afterAll(() => workers?.stop());

const open = async (userId = OPERATOR, input: Record<string, unknown> = {}) =>
  openBrowser(workers, { cookie: await workers.signIn(userId, input) });

/** How many sessions of a user can be used. */
async function liveSessionsOf(userId: string): Promise<number> {
  const { sessions } = await workers.asBackend('GET', `/v1/users/${userId}/sessions`);
  return (sessions as unknown[]).length;
}

describe('looking', () => {
  it('an operator sees the console', async () => {
    const { status, text } = await (await open()).get('/console');
    expect([status, titleIn(text)]).toEqual([200, 'Overview']);
    expect(text).toContain(OPERATOR);
  });

  it('nobody is let in without a session, and is told where to sign in', async () => {
    const { status, text } = await workers.ask('/console');
    expect([status, titleIn(text)]).toEqual([401, 'You are not signed in']);
    expect(text).toContain('href="/sign-in"');
  });

  it('a user who is not among OPERATORS is not let in', async () => {
    const { status, text } = await (await open(newUser())).get('/console');
    expect([status, titleIn(text)]).toEqual([403, 'You are not an operator']);
  });

  it('a guest is nobody, whatever the id of their session', async () => {
    const guest = await open(undefined, { user_id: undefined });
    expect((await guest.get('/console')).status).toBe(403);
  });

  it('support staff who act as an operator are not let in', async () => {
    const cookie = await workers.signIn(OPERATOR, { act: { sub: 'eve' }, reason: 'a ticket' });
    const { status, text } = await openBrowser(workers, { cookie }).get('/console');
    expect([status, titleIn(text)]).toEqual([403, 'Not in somebody else’s session']);
  });

  it('a session of an app whose cookies are not for the console opens nothing', async () => {
    const other = await open(OPERATOR, { client_id: OTHER_APP });
    expect((await other.get('/console')).status).toBe(403);
  });

  it('a session that was ended a moment ago opens nothing', async () => {
    const userId = OPERATOR;
    const operator = await open(userId);
    expect((await operator.get('/console')).status).toBe(200);
    await workers.asBackend('DELETE', `/v1/users/${userId}/sessions`);
    expect((await operator.get('/console')).status).toBe(401);
  });

  it('whoever proved who they are 13 hours ago has to prove it again', async () => {
    const operator = await open(OPERATOR, { auth_time: ago(13 * HOUR) });
    const { status, text } = await operator.get('/console');
    expect([status, titleIn(text)]).toEqual([401, 'Prove who you are once more']);
  });

  it('a cookie that is none of the service’s opens nothing', async () => {
    const forged = openBrowser(workers, { cookie: '__Host-session=web~v2.forged' });
    expect((await forged.get('/console')).status).toBe(401);
  });
});

describe('a console that the service does not know', () => {
  it('says that it cannot be told who somebody is, and asks nobody to sign in', async () => {
    const unknown = await startTwoWorkers({
      variables: { ISSUER, AUDIENCE, OPERATORS: [OPERATOR], SIGN_IN_URL: '/sign-in' },
      consoleClient: { client_id: 'console-of-another-name' },
    });
    try {
      const operator = openBrowser(unknown, { cookie: await unknown.signIn(OPERATOR) });
      const { status, text } = await operator.get('/console');
      expect([status, titleIn(text)]).toEqual([503, 'That cannot be told right now']);
      expect(text).not.toContain('/sign-in');
    } finally {
      await unknown.stop();
    }
  });
});

describe('acting', () => {
  it('an operator ends all sessions of a person, and the audit log says who it was', async () => {
    const userId = newUser();
    await workers.asBackend('POST', '/v1/sessions', { user_id: userId });
    await workers.asBackend('POST', '/v1/sessions', { user_id: userId });
    const operator = await open();
    const ended = await operator.submit(`/console/people/${userId}/end`, {
      reason: 'credential_compromised',
      note: 'called us',
    });
    expect([ended.status, ended.headers.get('location')]).toEqual([
      303,
      `/console/people/${userId}?ended=2`,
    ]);
    expect(await liveSessionsOf(userId)).toBe(0);
    expect(await actsOn(workers, userId)).toMatchObject([
      {
        type: 'user_signed_out',
        client_id: 'console',
        reason: 'credential_compromised',
        details: { operator: OPERATOR, why: 'called us' },
      },
    ]);
    const { text } = await operator.get('/console/audit');
    for (const shown of ['User signed out', 'called us', 'compromised', OPERATOR])
      expect(text).toContain(shown);
  });

  it('ends one session, and leaves the person’s others', async () => {
    const userId = newUser();
    const { session } = (await workers.asBackend('POST', '/v1/sessions', {
      user_id: userId,
    })) as { session: { id: string } };
    await workers.asBackend('POST', '/v1/sessions', { user_id: userId });
    const operator = await open();
    const path = `/console/sessions/${session.id}`;
    expect((await operator.submit(`${path}/end`)).headers.get('location')).toBe(`${path}?ended=1`);
    expect((await operator.submit(`${path}/end`)).headers.get('location')).toBe(`${path}?ended=0`);
    expect((await operator.get(`${path}?ended=1`)).text).toContain('The session was ended.');
    expect(await liveSessionsOf(userId)).toBe(1);
  });

  describe('is refused, and ends nothing,', () => {
    let userId: string;
    const path = () => `/console/people/${userId}/end`;
    const start = async () => {
      userId = newUser();
      await workers.asBackend('POST', '/v1/sessions', { user_id: userId });
    };

    it.each<[string, Record<string, string>]>([
      [
        'a form of another site',
        { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      ],
      [
        'one of another host of the site',
        { origin: 'https://x.example.com', 'sec-fetch-site': 'same-site' },
      ],
      [
        'another origin that says it is the same',
        { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      ],
      ['one whose page hides where it is', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
      [
        'one of another site that says it is none',
        { origin: CONSOLE_ORIGIN, 'sec-fetch-site': 'none' },
      ],
      [
        'another origin, of a browser without fetch metadata',
        { origin: 'https://evil.example', 'sec-fetch-site': '' },
      ],
    ])('%s', async (_, headers) => {
      await start();
      const { status, text } = await (await open()).submit(path(), {}, headers);
      expect([status, titleIn(text)]).toEqual([403, 'Not from here']);
      expect(await liveSessionsOf(userId)).toBe(1);
    });

    it('a request that says nothing of where it is from', async () => {
      await start();
      const cookie = await workers.signIn(OPERATOR);
      const { status } = await workers.ask(path(), {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'reason=user_request',
      });
      expect(status).toBe(403);
      expect(await liveSessionsOf(userId)).toBe(1);
    });

    it('a form without its token, with another, and with that of another login', async () => {
      await start();
      const other = await open();
      const { text } = await other.get(path());
      const [, foreign = ''] = /name="token" value="([^"]+)"/.exec(text) ?? [];
      for (const token of ['', 'A'.repeat(43), foreign]) {
        const refused = await (await open()).submit(path(), { token });
        expect([refused.status, titleIn(refused.text)]).toEqual([403, 'That form is out of date']);
      }
      expect(await liveSessionsOf(userId)).toBe(1);
    });

    it('the form of a login that ended, in the same browser', async () => {
      await start();
      const first = await workers.signIn(OPERATOR);
      const shown = await workers.ask(path(), { headers: { cookie: first } });
      const [, token = ''] = /name="token" value="([^"]+)"/.exec(shown.text) ?? [];
      const key = shown.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const second = await workers.signIn(OPERATOR);
      const refused = await openBrowser(workers, { cookie: `${second}; ${key}` }).submit(path(), {
        token,
      });
      expect(refused.status).toBe(403);
      expect(await liveSessionsOf(userId)).toBe(1);
    });

    it('an operator who proved who they are an hour ago, who sees no form either', async () => {
      await start();
      const operator = await open(OPERATOR, { auth_time: ago(HOUR) });
      const { status, text } = await operator.get(path());
      expect(status).toBe(200);
      expect(text).toContain('href="/sign-in"');
      expect(text).not.toContain('<form');
      expect(await liveSessionsOf(userId)).toBe(1);
    });

    it('the form of a page that has been open since they were fresh', async () => {
      await start();
      const cookie = await workers.signIn(LATE, { auth_time: ago(HOUR) });
      const { sessions } = (await workers.asBackend('GET', `/v1/users/${LATE}/sessions`)) as {
        sessions: { id: string }[];
      };
      const key = newFormKey();
      const token = await toFormToken(key, `session:${sessions[0]?.id}`);
      const browser = openBrowser(workers, { cookie: `${cookie}; __Host-console=${key}` });
      const refused = await browser.submit(path(), { token });
      expect([refused.status, titleIn(refused.text)]).toEqual([401, 'Prove who you are once more']);
      expect(await liveSessionsOf(userId)).toBe(1);
    });

    it.each<[string, Record<string, string>]>([
      ['no reason', { reason: '' }],
      ['a reason that is not on the list', { reason: 'because' }],
      ['a note of 201 characters', { note: 'a'.repeat(201) }],
    ])('%s', async (_, fields) => {
      await start();
      const refused = await (await open()).submit(path(), fields);
      expect(refused.status).toBe(400);
      expect(await liveSessionsOf(userId)).toBe(1);
    });
  });
});

describe('every answer', () => {
  it('runs no script, is framed by nobody and kept by nobody', async () => {
    const operator = await open();
    for (const path of ['/console', '/console/find', '/console/audit', '/console/nothing']) {
      const { headers, text } = await operator.get(path);
      expect(headers.get('cache-control')).toBe('no-store');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('script-src');
      expect(text).not.toMatch(/<script|javascript:| on\w+=| style=/);
    }
  });

  it('sets its own cookie so that no script reads it and no other host sets it', async () => {
    const { headers } = await (await open()).get('/console');
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-console=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
  });
});
