/** Reports an event of a session where nothing about the session changes. */
import { eq } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { type RepeatableDraft, toRecording } from '../security-log/hourly-limit';
import {
  type EventDraft,
  type RecordedEvent,
  type Reporting,
  reportTo,
} from '../security-log/record';
import type { Session } from './session';

export async function observe(
  home: Home,
  { id }: Pick<Session, 'id'>,
  event: EventDraft | RepeatableDraft,
  { reporting, now }: { reporting: Reporting; now: number },
): Promise<RecordedEvent[]> {
  const { requestId } = reporting;
  const condition = eq(userSessions.id, id);
  const at = { sessionId: id, condition, requestId, now };
  const recording = await toRecording(home, event, at);
  const report = reportTo(reporting, { written: recording.eventIds, now });
  const { written } = await transact(home, () => ({
    recorded: recording.statements,
    deliveries: report.deliveries,
    written: report.readBack,
  }));
  return written;
}
