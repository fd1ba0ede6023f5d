/**
 * Limits how many events the holder of a token can cause. Such a caller chooses its signals, and
 * how often it calls, so the ids of events that it can cause at will do not follow from those: they
 * follow from the session, the type, the level of risk, the hour and a number below a limit. Events
 * beyond the limit are counted in the hour's last event, and are not delivered.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { SessionEventType } from '../config/event-types';
import { sha256, toUuid } from '../crypto';
import type { Home } from '../db/d1';
import type { Given } from '../db/prepared';
import { sessionEvents, userSessions } from '../db/schema';
import { type EventDetails, type EventDraft, insertEvents, recordWhere } from './record';

/** Events of one type and risk that a session has in an hour of the clock (UTC). */
export const EVENTS_PER_HOUR = 10;
/** A count stops here, so that counting does not write without end either. */
const MAX_LEFT_OUT = 1_000;
const HOUR_MS = 3_600_000;

/** An event that a caller can cause any number of times. */
export interface RepeatableDraft {
  type: SessionEventType;
  /** A text that is the same where the same thing is seen again; then nothing is reported. */
  once: string;
  details: EventDetails;
}

/** `RepeatableDraft.once`, of anything that says what was seen. */
export async function toOnce(parts: readonly (string | number)[]): Promise<string> {
  return (await sha256(JSON.stringify(parts))).slice(0, 16);
}

/** The statements that report an event, and the ids of which it has one. */
export interface Recording {
  statements: BatchItem<'sqlite'>[];
  eventIds: string[];
}

/** Reports an event of a session, if the session meets the condition. */
export async function toRecording(
  home: Home,
  draft: EventDraft | RepeatableDraft,
  { sessionId, ...at }: { sessionId: string; condition: SQL; requestId: string; now: number },
): Promise<Recording> {
  if (!('once' in draft))
    return { statements: [recordWhere(home, draft, at)], eventIds: [draft.id] };
  const ids = await toHoursIds(draft, sessionId, at.now);
  const { leftOut, event } = repeatableStatements(home.db, draft.type, at.condition, {
    ids: JSON.stringify(ids),
    lastId: ids.at(-1) as string,
    once: draft.once,
    details: toDetails(draft),
    requestId: at.requestId,
    second: Math.floor(at.now / 1000),
  });
  return { statements: [leftOut, event], eventIds: ids };
}

/** The ids that a session's events of a type and level of risk may have in the hour. */
export function toHoursIds(
  { type, details }: Pick<RepeatableDraft, 'type' | 'details'>,
  sessionId: string,
  now: number,
): Promise<string[]> {
  const hour = Math.floor(now / HOUR_MS);
  // The level is part of the id, so that events of little risk leave room for those of high risk.
  const level = details.risk?.level ?? '';
  return Promise.all(
    Array.from({ length: EVENTS_PER_HOUR }, (_, number) =>
      toUuid([type, level, sessionId, hour, number]),
    ),
  );
}

export const toDetails = ({ details, once }: Pick<RepeatableDraft, 'details' | 'once'>): string =>
  JSON.stringify({ ...details, once });

/** The values of the two statements, or placeholders for them. */
interface RepeatableValues {
  /** A JSON array, and the last of it. */
  ids: Given;
  lastId: Given;
  once: Given;
  details: Given;
  requestId: Given;
  second: Given;
}

/**
 * The statements, in their order: then the last number is taken by no event of this very request.
 */
export function repeatableStatements(
  db: Home['db'],
  type: SessionEventType,
  condition: SQL,
  { ids, lastId, once, ...values }: RepeatableValues,
) {
  const isNew = sql`not exists (select 1 from json_each(${ids}) as slot join ${sessionEvents} as seen on seen.id = slot.value where seen.details ->> '$.once' = ${once})`;
  const free = sql`(select slot.value as id from json_each(${ids}) as slot where not exists (select 1 from ${sessionEvents} as taken where taken.id = slot.value) order by slot.key limit 1)`;
  const isReported = sql`${condition} and ${isNew}`;
  return {
    leftOut: countLeftOut(db, lastId, isReported),
    event: insertEvents(db, { ...values, id: free, type }, isReported),
  };
}

/** Counts one more in the hour's last event; changes nothing while there is room for an event. */
function countLeftOut(db: Home['db'], lastId: Given, condition: SQL) {
  const leftOut = sql`coalesce(${sessionEvents.details} ->> '$.left_out', 0)`;
  return db
    .update(sessionEvents)
    .set({ details: sql`json_set(${sessionEvents.details}, '$.left_out', ${leftOut} + 1)` })
    .where(
      sql`${sessionEvents.id} = ${lastId} and ${leftOut} < ${MAX_LEFT_OUT} and exists (select 1 from ${userSessions} where ${condition})`,
    );
}
