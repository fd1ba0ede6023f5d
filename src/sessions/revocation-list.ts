/**
 * What verifiers of access tokens have to know: which sessions ended while a token of theirs may
 * still be good, and which users' tokens are outdated. A token is refused when its session is
 * listed, or when it was issued before its user's time.
 */
import { and, asc, gt, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { EVERYONE, outdatedTokens, userSessions } from '../db/schema';

export interface RevocationList {
  sessions: string[];
  /** By user, and by home (`home:<name>`) where all of it is outdated; seconds since 1970. */
  notBefore: Record<string, number>;
  /**
   * False: there are more than the list may have, so that a token may be revoked and not be in it.
   */
  isComplete: boolean;
}

/** Of each kind. Far more than end within the life of an access token, and less than a megabyte. */
export const MAX_LISTED = 10_000;

/**
 * Reads what ended within the last `tokenLifeSeconds`. One round trip that reads the listed rows
 * alone.
 */
export async function readRevocationList(
  home: Home,
  { tokenLifeSeconds, now }: { tokenLifeSeconds: number; now: number },
): Promise<RevocationList> {
  const { id, revokedAt } = userSessions;
  const { subject, notBefore, expiresAt } = outdatedTokens;
  const since = new Date(now - tokenLifeSeconds * 1000);
  const [sessions, users] = await transact(
    home,
    () =>
      [
        home.db
          .select({ id })
          .from(userSessions)
          .where(and(gt(revokedAt, since)))
          .orderBy(asc(revokedAt))
          .limit(MAX_LISTED + 1),
        home.db
          .select({ subject, notBefore })
          .from(outdatedTokens)
          .where(gt(expiresAt, new Date(now)))
          // A not-before of everyone is never the one that is left out.
          .orderBy(sql`${subject} <> ${EVERYONE}`, asc(expiresAt))
          .limit(MAX_LISTED + 1),
      ] as const,
  );
  return {
    // In an order of their own, so that the same list is the same text.
    sessions: sessions
      .slice(0, MAX_LISTED)
      .map((session) => session.id)
      .sort(),
    notBefore: Object.fromEntries(
      users
        .slice(0, MAX_LISTED)
        .map((user): [string, number] => [
          user.subject === EVERYONE ? `home:${home.name}` : user.subject,
          user.notBefore.getTime() / 1000,
        ])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
    isComplete: sessions.length <= MAX_LISTED && users.length <= MAX_LISTED,
  };
}

/**
 * The list of several homes. With one that is silent it is not complete. A later not-before wins.
 */
export function mergeRevocationLists(
  lists: readonly RevocationList[],
  silent: readonly string[],
): RevocationList {
  const [only] = lists;
  if (lists.length === 1 && only !== undefined && silent.length === 0) return only;
  const notBefore: Record<string, number> = {};
  for (const [subject, second] of lists.flatMap((list) => Object.entries(list.notBefore)).sort())
    notBefore[subject] = Math.max(second, notBefore[subject] ?? 0);
  return {
    sessions: [...new Set(lists.flatMap(({ sessions }) => sessions))].sort(),
    notBefore,
    isComplete: silent.length === 0 && lists.every(({ isComplete }) => isComplete),
  };
}
