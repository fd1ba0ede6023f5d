/**
 * Several accounts in one browser, each a session of its own. A client that keeps several adds the
 * sign-in of another person to those that are there; whoever signs in again takes the place of
 * their own former session. A browser that is full refuses: nobody is signed out unasked.
 */
import type { Client } from '../config/clients';
import { findBrowserClient } from '../config/refused-clients';
import type { Home } from '../db/d1';
import { findSession, findSessions } from '../sessions/read';
import type { Session } from '../sessions/session';
import { ACCOUNTS } from '../tokens/session-cookie';
import type { Caller } from './caller';
import { visitorOf } from './caller-signals';
import { whereSessionIs } from './follow-session';
import { presentAt, type VerifiedCookie } from './present-cookie';
import { type Result, refuse } from './refusal';
import type { Service } from './service';
import { throttleToken } from './throttle';

/** The sessions of a browser, by the index of their account. */
export interface Held {
  /** -1: nobody's. */
  current: number;
  /** null: it sent something that no session is known by. */
  cookies: ReadonlyMap<number, VerifiedCookie | null>;
}

export interface Account {
  index: number;
  cookie: VerifiedCookie;
  session: Session;
}

/**
 * The accounts whose sessions are live, each weighed as a refresh by this browser would be. Nothing
 * is rotated. One round trip a home, unless there is something to report.
 */
export async function readAccounts(
  caller: Caller,
  service: Service,
  { cookies }: Held,
): Promise<Result<{ accounts: Account[] }>> {
  const byHome = new Map<string, { home: Home; held: Omit<Account, 'session'>[] }>();
  for (const [index, cookie] of cookies) {
    if (cookie === null || cookie.isExpired) continue;
    const home = service.findHome(cookie.token.home, caller.meter);
    if (home === null || findBrowserClient(service.config, cookie.clientId) === null) continue;
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
          const presentation = { token: cookie.token, clientId: cookie.clientId, visitor };
          const known = rows[place] ?? null;
          const shown = await presentAt(caller, service, home, presentation, known);
          return shown.ok ? [{ index, cookie, session: shown.session }] : [];
        }),
      );
    }),
  );
  return { ok: true, accounts: read.flat(2).sort((a, b) => a.index - b.index) };
}

/**
 * Whether a client's new session takes the place of the current one, whoever's that is: where
 * neither it nor the current one's client keeps several accounts.
 */
export function takesCurrent(
  { config }: Pick<Service, 'config'>,
  { current, cookies }: Held,
  client: Client,
): boolean {
  const there = cookies.get(current)?.clientId ?? '';
  const isOthersToKeep = there !== client.id && config.clients.get(there)?.severalAccounts === true;
  return current >= 0 && !client.severalAccounts && !isOthersToKeep;
}

/** Which account a new session becomes, and whose place it takes; null: nobody's. */
export type Place = { index: number; former: VerifiedCookie | null };

/**
 * Where a client's new session goes. `newcomer` tells whose it is, where that matters. Asks no
 * database but where there are sessions side by side.
 */
export async function placeAccount(
  caller: Caller,
  service: Service,
  held: Held,
  client: Client,
  newcomer: () => Promise<Session | null>,
): Promise<Result<Place>> {
  const { current, cookies } = held;
  if (takesCurrent(service, held, client))
    return { ok: true, index: current, former: cookies.get(current) ?? null };
  if (cookies.size === 0) return { ok: true, index: 0, former: null };
  const [read, session] = await Promise.all([readAccounts(caller, service, held), newcomer()]);
  if (!read.ok) return read;
  const { accounts } = read;
  const own = accounts.find(
    (account) =>
      account.session.clientId === client.id &&
      (!client.severalAccounts || isOfPerson(account.session, session)),
  );
  if (own !== undefined) {
    const isItself = own.session.id === session?.id;
    return { ok: true, index: own.index, former: isItself ? null : own.cookie };
  }
  const isFree = (index: number) => !accounts.some((account) => account.index === index);
  // What is over gives way last, because its person may be told why.
  const index = ACCOUNTS.find((each) => !cookies.has(each)) ?? ACCOUNTS.find(isFree);
  return index === undefined
    ? refuse({ code: 'too_many_accounts' })
    : { ok: true, index, former: null };
}

/** Whether the former session is the person's own. A guest is nobody else; support staff are. */
const isOfPerson = (former: Session, session: Session | null) =>
  (former.userId === null || former.userId === session?.userId) &&
  (former.act === null) === ((session?.act ?? null) === null);

/** The session that waits behind a hand-off, wherever it is; null: it is not to be had. */
export async function findHandedOff(
  caller: Caller,
  service: Service,
  { home: name, sessionId }: { home: string; sessionId: string },
): Promise<Session | null> {
  const home = service.findHome(name, caller.meter);
  if (home === null) return null;
  const found = await whereSessionIs(caller, service, { home, sessionId }, (place) =>
    findSession(place, sessionId),
  );
  return found?.result ?? null;
}
