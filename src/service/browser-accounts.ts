/**
 * Several accounts in one browser, each a session of its own. A client that keeps several accounts
 * adds the sign-in of another person to those that are there; the sign-in of the same person
 * replaces that person's former session. A browser that is full refuses: nobody is signed out
 * unasked.
 */
import type { Client } from '../config/clients';
import type { Home } from '../db/d1';
import { findSession, findSessions, ifHere } from '../sessions/read';
import type { Session } from '../sessions/session';
import { ACCOUNTS } from '../tokens/session-cookie';
import type { Caller } from './caller';
import { visitorOf } from './caller-signals';
import { whereSessionIs } from './follow-session';
import { homeOf } from './home-of-token';
import { presentAt, type VerifiedCookie } from './present-cookie';
import { type Result, refuse } from './refusal';
import type { Service } from './service';
import { throttleToken } from './throttle';

/** The sessions of a browser, by the index of their account. */
export interface Held {
  /** The index of the current account; -1: none is current. */
  current: number;
  /** null: the browser sent a value that no session is known by. */
  cookies: ReadonlyMap<number, VerifiedCookie | null>;
}

export interface Account {
  index: number;
  cookie: VerifiedCookie;
  session: Session;
}

/**
 * The accounts of a browser whose sessions are live. Each is weighed as a refresh by this browser
 * would be, and none is rotated. `all`: behind them also those that are over, or of which a refresh
 * would demand a new sign-in. One round trip a home, unless there is something to report.
 */
export async function readAccounts(
  caller: Caller,
  service: Service,
  { cookies }: Held,
): Promise<Result<{ accounts: Account[]; all: Account[] }>> {
  const { clients } = service.config;
  const byHome = new Map<string, { home: Home; held: Omit<Account, 'session'>[] }>();
  for (const [index, cookie] of cookies) {
    if (cookie === null) continue;
    const home = homeOf(caller, service, cookie.token.home);
    // The sessions of a refused client are left out, and do not keep the other accounts from being
    // shown.
    if (home === null || !clients.get(cookie.clientId)?.origins.length) continue;
    const throttled = await throttleToken(service, cookie.token);
    if (throttled !== null) return throttled;
    const { held } = byHome.get(home.name) ?? { held: [] };
    byHome.set(home.name, { home, held: [...held, { index, cookie }] });
  }
  const visitor = await visitorOf(caller.device, service);
  const read = await Promise.all(
    [...byHome.values()].map(async ({ home, held }) => {
      const rows = await findSessions(
        home,
        held.map(({ cookie }) => cookie.token.sessionId),
      );
      return Promise.all(
        held.map(async ({ index, cookie }, place) => {
          const { token, clientId } = cookie;
          const known = rows[place] ?? null;
          const shown = await presentAt(caller, service, home, { token, clientId, visitor, known });
          const session = shown.ok ? shown.session : ifHere(known);
          return session ? [{ index, cookie, session, isLive: shown.ok }] : [];
        }),
      );
    }),
  );
  const all = read.flat(2).sort((a, b) => +b.isLive - +a.isLive || a.index - b.index);
  return { ok: true, accounts: all.filter(({ isLive }) => isLive), all };
}

/**
 * Whether a client's new session takes the place of the current one, whoever's that is: where
 * neither it nor the current one's client keeps several accounts, and no other place is its own.
 */
export function takesCurrent(
  { config }: Pick<Service, 'config'>,
  { current, cookies }: Held,
  client: Client,
): boolean {
  const there = cookies.get(current)?.clientId ?? '';
  const isOthersToKeep = there !== client.id && config.clients.get(there)?.severalAccounts === true;
  const isElsewhere = [...cookies].some(
    ([index, cookie]) => index !== current && cookie?.clientId === client.id,
  );
  return current >= 0 && !client.severalAccounts && !isOthersToKeep && !isElsewhere;
}

/** Which account a new session becomes, and whose place it takes; null: nobody's. */
export type Place = { index: number; former: VerifiedCookie | null };

/** A client's new session. */
interface NewAccount {
  client: Client;
  /** Tells whose it is. It is not asked where that does not matter. */
  newcomer: () => Promise<Pick<Session, 'id' | 'userId' | 'act'> | null>;
}

/**
 * Where a client's new session goes. Asks no database but where there are sessions side by side.
 */
export async function placeAccount(
  caller: Caller,
  service: Service,
  held: Held,
  { client, newcomer }: NewAccount,
): Promise<Result<Place>> {
  const { current, cookies } = held;
  if (takesCurrent(service, held, client))
    return { ok: true, index: current, former: cookies.get(current) ?? null };
  if (cookies.size === 0) return { ok: true, index: 0, former: null };
  const [read, session] = await Promise.all([readAccounts(caller, service, held), newcomer()]);
  if (!read.ok) return read;
  const { accounts, all } = read;
  // Support staff count as another person.
  const find = (userId: string | null | undefined) =>
    all.find(
      ({ session: former }) =>
        former.clientId === client.id &&
        (!client.severalAccounts || (former.userId === userId && !former.act === !session?.act)),
    );
  // A guest counts as no other person, unless a place is their own.
  const own = find(session?.userId) ?? find(null);
  if (own !== undefined) {
    const isItself = own.session.id === session?.id;
    return { ok: true, index: own.index, former: isItself ? null : own.cookie };
  }
  const isFree = (index: number) =>
    !accounts.some((account) => account.index === index) &&
    !service.config.refusedClients.has(cookies.get(index)?.clientId ?? '');
  // An account whose session is over is replaced last, because its person may be told why it is.
  const index = ACCOUNTS.find((each) => !cookies.has(each)) ?? ACCOUNTS.find(isFree);
  return index === undefined
    ? refuse({ code: 'too_many_accounts' })
    : { ok: true, index, former: null };
}

/** Finds the session that waits behind a hand-off, wherever it is; null: it is not there. */
export async function findHandedOff(
  caller: Caller,
  service: Service,
  { home: name, sessionId }: { home: string; sessionId: string },
): Promise<Session | null> {
  const home = homeOf(caller, service, name);
  if (home === null) return null;
  const found = await whereSessionIs(caller, service, { home, sessionId }, (place) =>
    findSession(place, sessionId),
  );
  return found?.result ?? null;
}
