/** People who sign in in the browser, one after the other, by the start URLs of a backend. */
import { expect } from 'vitest';
import { FROM } from '../../../homes/three-homes';
import { NAVIGATION, RETURN_URL } from '../browser';
import {
  ACCOUNTS,
  accountsOf,
  currentOf,
  HOUR,
  isKnown,
  isLive,
  LIFETIME,
  LINK_SECONDS,
  type Link,
  type Model,
  type ModelSession,
  PEOPLE,
  type Real,
} from './accounts-world';
import { type Answer, Ask, choose, give } from './answers';
import { send } from './browser-requests';

const PLACES = [FROM.newYork, FROM.paris, FROM.tokyo];

/** A person, a guest, or support staff who act as a person. */
export type Who = { person: number; isSupport: boolean } | 'guest';

export class SignIn extends Ask {
  constructor(readonly who: Who) {
    super();
  }
  /** Support staff act as somebody whom the service knows. */
  override check = (model: Readonly<Model>) =>
    this.who === 'guest' || !this.who.isSupport || isKnown(model, PEOPLE[this.who.person]);

  async ask(model: Model, real: Real): Promise<Answer> {
    const link = await prepare(model, real, this.who);
    model.links.push(link);
    return open(model, real, link);
  }
  toString = () =>
    this.who === 'guest'
      ? 'signIn(a guest)'
      : `signIn(${this.who.isSupport ? 'support staff as ' : ''}person ${this.who.person})`;
}

/** A start URL once more: it was used, its browser was full, or it has been too long. */
export class OpenAgain extends Ask {
  constructor(readonly back: number) {
    super();
  }
  override check = (model: Readonly<Model>) => model.links.length > 0;
  async ask(model: Model, real: Real): Promise<Answer> {
    const { links } = model;
    return open(model, real, links[links.length - 1 - (this.back % links.length)] as Link);
  }
  toString = () => `openAgain(${this.back} back)`;
}

async function prepare(model: Model, { homes, isSpread }: Real, who: Who): Promise<Link> {
  const { now } = model;
  const person = who === 'guest' ? null : who.person;
  const userId = person === null ? null : (PEOPLE[person] as string);
  const isSupport = who !== 'guest' && who.isSupport;
  const { status, body } = await homes.post(
    '/v1/sessions',
    {
      client_id: 'web',
      browser: { return_url: RETURN_URL },
      ...(userId !== null && { user_id: userId }),
      ...(isSupport && { act: { sub: 'agent-7' }, reason: 'a ticket' }),
    },
    PLACES[isSpread ? (person ?? 0) % PLACES.length : 0],
  );
  expect(status).toBe(201);
  const { session, browser } = body as { session: { id: string }; browser: { start_url: string } };
  const begun: ModelSession = {
    id: session.id,
    userId,
    isSupport,
    createdAt: now,
    rotatedAt: null,
    expiresAt: now + (isSupport ? HOUR : LIFETIME),
    ended: null,
  };
  model.sessions.push(begun);
  return { session: begun, path: browser.start_url, until: now + LINK_SECONDS };
}

async function open(model: Model, real: Real, { session, path, until }: Link): Promise<Answer> {
  const headers = { ...NAVIGATION, accept: 'application/json' };
  const response = await send(model, real, 'GET', path, { headers });
  const { status } = response;
  const code = status === 303 ? null : ((await response.json()) as { code: string }).code;
  const refusal = (foretold: object): Answer => {
    expect({ status, code }).toEqual(foretold);
    return { response, change: null };
  };
  const own = [...model.browser.sessions].find(([, held]) => held.session === session);
  if (own !== undefined) {
    // One that is over does not become current.
    if (own[0] !== currentOf(model) && !isLive(session, model))
      return refusal({ status: 401, code: 'session_ended' });
    expect(status).toBe(303);
    return { response, change: choose(model, own[0]) };
  }
  if (model.now >= until) return refusal({ status: 400, code: 'invalid_code' });
  const place = placeOf(session, model);
  if (place === null) return refusal({ status: 409, code: 'too_many_accounts' });
  // Once, and while the session is live.
  if (session.rotatedAt !== null || !isLive(session, model))
    return refusal({ status: 400, code: 'invalid_code' });
  expect(status).toBe(303);
  session.rotatedAt = model.now;
  if (place.former !== null) place.former.ended ??= 'signed_out';
  return { response, change: give(model, place.index, session) };
}

/** Which account the session becomes, and whose place it takes; null: the browser is full. */
function placeOf(
  session: ModelSession,
  model: Model,
): { index: number; former: ModelSession | null } | null {
  const { sessions } = model.browser;
  const live = accountsOf(model);
  // Also of those that are over, behind the live ones.
  const over = ACCOUNTS.flatMap((index) => {
    const former = sessions.get(index)?.session;
    return former === undefined || isLive(former, model) ? [] : [{ index, session: former }];
  });
  const find = (userId: string | null) =>
    [...live, ...over].find(
      ({ session: former }) => former.userId === userId && former.isSupport === session.isSupport,
    );
  // A guest is nobody else, and gives way to whoever has no place of their own.
  const taken = find(session.userId) ?? find(null);
  if (taken !== undefined) return { index: taken.index, former: taken.session };
  // What is over gives way last, because its person may be told why.
  const index =
    ACCOUNTS.find((each) => !sessions.has(each)) ??
    ACCOUNTS.find((each) => !live.some((one) => one.index === each));
  return index === undefined ? null : { index, former: null };
}
