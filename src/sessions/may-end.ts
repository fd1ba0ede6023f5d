/** Decides which sessions a person may see and end, by the session behind their access token. */
import { and, eq, exists, isNull, type SQL, sql } from 'drizzle-orm';
import type { Home } from '../db/d1';
import { userSessions } from '../db/schema';
import type { Revocation } from './revocation';
import { checkSession, isLive, MOVED, type Moved, type SessionWithNotBefore } from './session';

/** The caller: the session behind a verified access token. */
export interface SessionOwner {
  sessionId: string;
  /** null: a guest, who has this one session. */
  userId: string | null;
}

/** A caller who asks for the end of other sessions than their own. */
export interface AuthenticatedOwner extends SessionOwner {
  /**
   * When the person proved who they are, as far as the presented token knows: a later step-up may
   * have been by another holder of the session. null: not known.
   */
  authTime: Date | null;
}

/** SQL: the session is one that the owner may see and end. */
export function belongsTo({ userId, sessionId }: SessionOwner): SQL {
  return userId === null ? eq(userSessions.id, sessionId) : eq(userSessions.userId, userId);
}

/** Why the session of this row may end no others; null: it may. */
export function whyRefused(
  row: SessionWithNotBefore | undefined,
  owner: AuthenticatedOwner,
  { policy, maxAuthAgeSeconds: maxAge, now }: Revocation,
): 'caller_session_ended' | 'actor_not_allowed' | 'authentication_too_old' | Moved | null {
  if (row === undefined) return 'caller_session_ended';
  const ended = checkSession(row, policy, now);
  if (ended !== null) return ended === MOVED ? MOVED : 'caller_session_ended';
  if (row.act !== null) return 'actor_not_allowed';
  if (maxAge === null) return null;
  const isRecent = [row.authTime, owner.authTime].every(
    (authTime) => authTime !== null && now - authTime.getTime() <= maxAge * 1000,
  );
  return isRecent ? null : 'authentication_too_old';
}

const toSeconds = (time: Date | null) => time && Math.floor(time.getTime() / 1000);

/** SQL twin of `whyRefused(…) === null`, checked in the very statement that acts for the owner. */
export function mayEndOthers(
  home: Home,
  { sessionId, authTime }: AuthenticatedOwner,
  { policy, maxAuthAgeSeconds: maxAge, now }: Revocation,
): SQL {
  const isRecent =
    maxAge === null
      ? undefined
      : sql`min(${userSessions.authTime}, ${toSeconds(authTime)}) * 1000 >= ${now - maxAge * 1000}`;
  return exists(
    home.db
      .select({ one: sql`1` })
      .from(userSessions)
      .where(
        and(
          eq(userSessions.id, sessionId),
          isLive(policy, now),
          isNull(userSessions.act),
          isRecent,
        ),
      ),
  );
}
