/**
 * "Was this you?": what a person answers of something unusual, which is kept with the event. The
 * first answer stands.
 */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { sessionEventsThatAre } from '../config/event-types';
import { type Home, transact } from '../db/d1';
import { sessionEvents, userSessions } from '../db/schema';
import type { SessionEvent } from '../security-log/read-events';
import type { RecordedEvent } from '../security-log/record';
import { type AuthenticatedOwner, belongsTo, mayEndOthers, whyRefused } from './may-end';
import { BY_USER, endOne, type Revocation, type RevokeResult } from './revocation';
import { MOVED, type Moved, type Session, selectSession } from './session';

export type Answer = 'yes' | 'no';

export const UNUSUAL_EVENTS = sessionEventsThatAre('unusual');

/** SQL: the event is unusual, and nobody has answered it. */
const isOpen = and(
  inArray(sessionEvents.type, [...UNUSUAL_EVENTS]),
  sql`json_valid(${sessionEvents.details})`,
  sql`${sessionEvents.details} ->> '$.answer' is null`,
);

const withAnswer = (answer: Answer) =>
  sql`json_set(${sessionEvents.details}, '$.answer', ${answer})`;

/**
 * Whether the session of an event may say that it was its person. A thief would use the very
 * session that the event is of, and say yes, so that session may do it only once its person has
 * proved anew who they are.
 */
export function mayConfirm(
  { sessionId, createdAt }: Pick<typeof sessionEvents.$inferSelect, 'sessionId' | 'createdAt'>,
  owner: AuthenticatedOwner,
): boolean {
  return (
    sessionId !== owner.sessionId ||
    (owner.authTime !== null && owner.authTime.getTime() > createdAt.getTime())
  );
}

/** Keeps the answer to an event of the owner's log; with "no", the event's session ends too. */
export async function answerEvent(
  home: Home,
  owner: AuthenticatedOwner,
  { eventId, answer }: { eventId: string; answer: Answer },
  revocation: Revocation,
): Promise<RevokeResult | Moved> {
  const { sessionId, userId } = owner;
  const isTheirs = and(
    eq(sessionEvents.id, eventId),
    eq(sessionEvents.subject, userId ?? sessionId),
  );
  const may = mayEndOthers(home, owner, revocation);
  const read = await transact(home, () => ({
    own: selectSession(sessionId),
    event: home.db.select().from(sessionEvents).where(isTheirs),
  }));
  const refused = whyRefused(read.own[0], owner, revocation);
  if (refused === MOVED) return MOVED;
  if (refused !== null) return { ok: false, reason: refused };
  const [event] = read.event;
  if (event === undefined) return { ok: false, reason: 'not_found' };
  if (answer === 'yes' && !mayConfirm(event, owner))
    return { ok: false, reason: 'authentication_too_old' };
  // A thief could say no, so that the person is not asked any more. So the event stays open for the
  // person.
  if (answer === 'no' && !mayConfirm(event, owner)) return { ok: true, events: [] };
  const isOfEvent = and(eq(userSessions.id, event.sessionId), belongsTo(owner), may);
  const isOther = event.sessionId === sessionId ? sql`false` : isOfEvent;
  const end = answer === 'no' ? endOne(home, isOther, BY_USER, revocation) : null;
  const { events } = await transact(home, () => ({
    answered: keepAnswer(home, and(isTheirs, may), answer),
    ...(end ?? { events: null }),
  }));
  return { ok: true, events: events ?? [] };
}

function keepAnswer({ db }: Home, condition: SQL | undefined, answer: Answer) {
  return db
    .update(sessionEvents)
    .set({ details: withAnswer(answer) })
    .where(and(condition, isOpen));
}

/** Reads the event that a link asks about; null where it has been answered, or is purged. */
export async function readQuestion(
  home: Home,
  { eventId, sessionId }: { eventId: string; sessionId: string },
): Promise<{ event: SessionEvent; session: Session | null } | null | Moved> {
  const read = await transact(home, () => ({
    session: selectSession(sessionId),
    event: home.db.select().from(sessionEvents).where(isOpenEvent(eventId, sessionId)),
  }));
  const [session = null] = read.session;
  if (session !== null && session.movedTo !== null) return MOVED;
  const [event] = read.event;
  return event === undefined ? null : { event, session };
}

/** Keeps an answer that comes by a link, once; null where it has been answered. */
export async function answerByLink(
  home: Home,
  link: { eventId: string; sessionId: string },
  answer: Answer,
  revocation: Revocation,
): Promise<{ events: RecordedEvent[]; session: Session | null } | null | Moved> {
  const open = await readQuestion(home, link);
  if (open === null || open === MOVED) return open;
  const isOfEvent = eq(userSessions.id, link.sessionId);
  const end = answer === 'no' ? endOne(home, isOfEvent, BY_USER, revocation) : null;
  const { events } = await transact(home, () => ({
    answered: keepAnswer(home, isOpenEvent(link.eventId, link.sessionId), answer),
    ...(end ?? { events: null }),
  }));
  return { events: events ?? [], session: open.session };
}

const isOpenEvent = (eventId: string, sessionId: string) =>
  and(eq(sessionEvents.id, eventId), eq(sessionEvents.sessionId, sessionId), isOpen);
