/** What the "Your devices" page shows of a person: their active sessions and what happened lately. */
import { and } from 'drizzle-orm';
import type { SessionPolicy } from '../config';
import { type Home, transact } from '../db/homes';
import { type EventQuery, type SessionEvent, selectEvents, toEventPage } from './events';
import { type SessionPage, selectPage, toPage } from './list';
import { belongsTo, type Caller } from './revoke';
import { isLive } from './session';

export interface Account {
  devices: SessionPage;
  activity: { events: SessionEvent[]; next: number | null };
}

/** Of a caller whose session was found to be live. One round trip. */
export async function readAccount(
  home: Home,
  policy: SessionPolicy,
  caller: Caller,
  { devices: limit, activity }: { devices: number; activity: EventQuery },
  now: number,
): Promise<Account> {
  const page = { after: null, limit };
  const [sessions, events] = await transact(
    home,
    () =>
      [
        selectPage(home, and(belongsTo(caller), isLive(policy, now)), page),
        selectEvents(home, caller.userId ?? caller.sessionId, activity),
      ] as const,
  );
  return { devices: toPage(sessions, page), activity: toEventPage(events, activity) };
}
