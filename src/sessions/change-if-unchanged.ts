/**
 * Changes a row that was read before: in one transaction, which does nothing where another request
 * has changed the row since. The caller then decides anew, by the row as it is.
 */
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { type RepeatableDraft, toRecording } from '../security-log/hourly-limit';
import {
  type EventDraft,
  type RecordedEvent,
  type Reporting,
  reportTo,
} from '../security-log/record';
import { type SessionWithNotBefore, selectSession } from './session';

export type RowChange = Partial<typeof userSessions.$inferInsert>;

/** Changes the row and records the event, if the row is still as it was read. */
export async function changeIfUnchanged(
  home: Home,
  row: SessionWithNotBefore,
  {
    change,
    event,
    reporting,
    now,
  }: {
    change: RowChange | null;
    event: EventDraft | RepeatableDraft | null;
    reporting: Reporting;
    now: number;
  },
): Promise<{
  isDone: boolean;
  isRerun: boolean;
  after: SessionWithNotBefore | undefined;
  events: RecordedEvent[];
}> {
  const { db } = home;
  let wasRerun = false;
  const isAsRead = and(
    eq(userSessions.id, row.id),
    eq(userSessions.refreshToken, row.refreshToken),
    sql`${userSessions.rotatedAt} is ${row.rotatedAt?.getTime() ?? null}`,
    sql`${userSessions.lastSignals} is ${row.lastSignals}`,
    sql`${userSessions.recoveries} is ${row.recoveries}`,
    isNull(userSessions.revokedAt),
  ) as SQL;
  const { requestId } = reporting;
  const at = { sessionId: row.id, condition: isAsRead, requestId, now };
  const recording = event && (await toRecording(home, event, at));
  const report = recording && reportTo(reporting, { written: recording.eventIds, now });
  const { asRead, written, after } = await transact(home, (isRerun) => {
    wasRerun = isRerun;
    return {
      asRead: db.select({ one: sql`1` }).from(userSessions).where(isAsRead),
      recorded: recording?.statements ?? null,
      changed: change && db.update(userSessions).set(change).where(isAsRead),
      deliveries: report?.deliveries ?? null,
      written: report?.readBack ?? null,
      after: selectSession(row.id),
    };
  });
  const events = written ?? [];
  return {
    isDone: asRead.length === 1 || events.length === 1,
    isRerun: wasRerun,
    after: after[0],
    events,
  };
}
