/** Finds the forwarding address of a session that has left the home which its token names. */
import { eq, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { SUBJECT, unfinishedMoves, userSessions } from '../db/schema';
import type { Subject } from './move';

export interface Forwarding {
  /** The name of the home that the session went to. */
  to: string;
  subject: Subject;
  /** Whether the session may not have arrived there yet. */
  isUnfinished: boolean;
}

/** The home to which a session has moved from here; null when it has not. One round trip. */
export async function findForwarding(home: Home, sessionId: string): Promise<Forwarding | null> {
  const unfinished = sql<string | null>`${unfinishedMoves.to}`.as('unfinished');
  const { rows } = await transact(home, () => ({
    rows: home.db
      // A batch gives rows by column name, and two columns of one name would be one.
      .select({ to: userSessions.movedTo, subject: SUBJECT.as('subject'), unfinished })
      .from(userSessions)
      .leftJoin(unfinishedMoves, eq(unfinishedMoves.subject, SUBJECT))
      .where(eq(userSessions.id, sessionId)),
  }));
  const [row] = rows;
  if (row === undefined || row.to === null) return null;
  return { to: row.to, subject: row.subject, isUnfinished: row.unfinished !== null };
}
