/** What must hold after each step: who is in the browser, who is current, and who is signed in. */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { expect } from 'vitest';
import { HOMES } from '../../../homes/three-homes';
import { accountsOf, currentOf, type Model, type Real } from './accounts-world';
import { expectAnswerOf, show } from './browser-requests';
import { cookiesAt } from './cookie-jar';

export async function expectAsForetold(model: Model, real: Real): Promise<void> {
  const current = currentOf(model);
  const listed = await show(model, real, '/browser/sessions');
  expect(await listed.json()).toEqual({
    sessions: accountsOf(model).map(({ index, session: { id, userId } }) => ({
      index,
      current: index === current,
      id,
      user_id: userId,
      display_name: null,
      client_id: 'web',
    })),
  });
  const own = await show(model, real, '/browser/session');
  await expectAnswerOf(own, model.browser.sessions.get(current)?.session, model);
  expect(whoseCookies(model, real)).toEqual(foretoldCookies(model));
  // Nobody was signed out unasked, and whoever signed out is.
  const open = model.sessions.filter(({ ended }) => ended === null).map(({ id }) => id);
  expect(await openSessions()).toEqual(open.sort());
}

const nameOf = (name: string, index: number) => (index === 0 ? name : `${name}-${index}`);

function foretoldCookies({ browser }: Model): Record<string, string | undefined> {
  const { sessions, accessTokens, chosen } = browser;
  const whose = (index: number) => sessions.get(index)?.session.id;
  return Object.fromEntries([
    ...[...sessions.keys()].map((index) => [nameOf('__Host-session', index), whose(index)]),
    ...[...accessTokens.keys()].map((index) => [nameOf('__Host-access', index), whose(index)]),
    ...(chosen === null ? [] : [['__Host-account', String(chosen.index)]]),
  ]);
}

/** The session of each cookie that holds a token, by its name. */
function whoseCookies({ now }: Model, { jar }: Real): Record<string, unknown> {
  return Object.fromEntries(
    cookiesAt(jar, now).flatMap(([name, value]) => {
      if (name === '__Host-bookmark') return [];
      const token = value.replace(/^[^~]*~v2\./, '');
      return [[name, name === '__Host-account' ? value : decodeJwt(token).sid]];
    }),
  );
}

/** The ids of all sessions that nobody has ended, in all homes. */
async function openSessions(): Promise<string[]> {
  const found = await Promise.all(
    HOMES.map((name) =>
      env[name]
        .prepare('SELECT id FROM user_sessions WHERE home IS NULL AND revoked_at IS NULL')
        .all<{ id: string }>(),
    ),
  );
  return found.flatMap(({ results }) => results.map(({ id }) => id)).sort();
}
