/**
 * The revocation list for verifiers of access tokens: which sessions ended while a token of theirs
 * may still be good, and before which moment the tokens of a session, of a user, or of a whole
 * home, are no longer good. The list holds the newest entries exactly. Entries beyond its size are
 * covered by one moment: tokens of that home from before it are refused, so that apps refresh, and
 * a session that is over cannot. So the list decides on every token, however much ends at once.
 */
import { and, desc, eq, gt, ne } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { EVERYONE, notBefores, userSessions } from '../db/schema';
import { ERASED_PERSON, ERASED_SESSION } from './not-before';

/** The revocations of one home. Times are seconds since 1970. */
export interface Revocations {
  home: string;
  /** By session: when it was revoked. All of its tokens are refused. */
  sessions: ReadonlyMap<string, number>;
  /** By user, or session: older tokens are refused. */
  notBefore: ReadonlyMap<string, number>;
  /** Older tokens of anyone in this home are refused; 0: there is no such moment. */
  homeNotBefore: number;
  /** When the list was read, in milliseconds. */
  readAt: number;
}

export interface ListBounds {
  sessions: number;
  notBefore: number;
}

/**
 * Bounds above the number of sessions that end within the life of an access token, except in a
 * flood.
 */
export const LIST_BOUNDS: ListBounds = { sessions: 100_000, notBefore: 20_000 };

/**
 * A revocation reaches the database at most so long after the moment that it bears, because clocks
 * differ, and a statement may be tried three times. So a read begins this long before the last one.
 */
const OVERLAP_SECONDS = 60;

/**
 * Reads what can still matter to a token that lives for `tokenLifeSeconds`. With what was `known`
 * before, only sessions that ended since are read. One round trip, which reads the listed rows
 * alone. Throws `DatabaseUnavailableError`.
 */
export async function readRevocations(
  home: Home,
  known: Revocations | null,
  { tokenLifeSeconds, now }: { tokenLifeSeconds: number; now: number },
  bounds: ListBounds = LIST_BOUNDS,
): Promise<Revocations> {
  const { id, revokedAt, tokensNotBefore } = userSessions;
  const { subject, notBefore } = notBefores;
  const since = Math.floor(now / 1000) - tokenLifeSeconds;
  const isUsable = known !== null && known.readAt <= now;
  const unread = isUsable
    ? Math.max(since, Math.floor(known.readAt / 1000) - OVERLAP_SECONDS)
    : since;
  const matters = gt(notBefore, new Date(since * 1000));
  const { sessions, stale, subjects, everyone } = await transact(home, () => ({
    sessions: home.db
      .select({ id, revokedAt })
      .from(userSessions)
      .where(gt(revokedAt, new Date(unread * 1000)))
      .orderBy(desc(revokedAt))
      .limit(bounds.sessions + 1),
    stale: home.db
      .select({ id, tokensNotBefore })
      .from(userSessions)
      .where(gt(tokensNotBefore, new Date(since * 1000)))
      .orderBy(desc(tokensNotBefore))
      .limit(bounds.notBefore + 1),
    subjects: home.db
      .select({ subject, notBefore })
      .from(notBefores)
      .where(and(matters, ne(subject, EVERYONE)))
      .orderBy(desc(notBefore))
      .limit(bounds.notBefore + 1),
    everyone: home.db
      .select({ notBefore })
      .from(notBefores)
      .where(and(eq(subject, EVERYONE), matters)),
  }));
  const revoked = new Map(isUsable ? known.sessions : []);
  for (const row of sessions) revoked.set(row.id, toSecond(row.revokedAt));
  const staleSince = new Map(stale.map((row) => [row.id, toSecond(row.tokensNotBefore)]));
  for (const row of subjects)
    if (row.subject.startsWith(ERASED_SESSION))
      revoked.set(row.subject.slice(ERASED_SESSION.length), toSecond(row.notBefore));
    else if (!row.subject.startsWith(ERASED_PERSON))
      // A guest's session may be in both lists.
      staleSince.set(
        row.subject,
        Math.max(toSecond(row.notBefore), staleSince.get(row.subject) ?? 0),
      );
  const current = [...revoked].filter(([, second]) => second > since);
  return boundRevocations(
    {
      home: home.name,
      sessions: new Map(current),
      notBefore: staleSince,
      homeNotBefore: Math.max(
        0,
        isUsable && known.homeNotBefore > since ? known.homeNotBefore : 0,
        toSecond(everyone[0]?.notBefore ?? null),
      ),
      readAt: now,
    },
    bounds,
  );
}

const toSecond = (date: Date | null) => (date === null ? 0 : Math.floor(date.getTime() / 1000));

/** Keeps the newest entries; the home's moment stands for those that are left out. */
export function boundRevocations(list: Revocations, bounds: ListBounds): Revocations {
  const sessions = newest(list.sessions, bounds.sessions);
  const notBefore = newest(list.notBefore, bounds.notBefore);
  const homeNotBefore = Math.max(
    list.homeNotBefore,
    // A session may have been given a token in the very second in which it ended.
    sessions.newestLeftOut === null ? 0 : sessions.newestLeftOut + 1,
    notBefore.newestLeftOut ?? 0,
  );
  return { ...list, sessions: sessions.kept, notBefore: notBefore.kept, homeNotBefore };
}

function newest(
  entries: ReadonlyMap<string, number>,
  limit: number,
): { kept: ReadonlyMap<string, number>; newestLeftOut: number | null } {
  if (entries.size <= limit) return { kept: entries, newestLeftOut: null };
  const sorted = [...entries].sort(([, a], [, b]) => b - a);
  return {
    kept: new Map(sorted.slice(0, limit)),
    newestLeftOut: sorted[limit]?.[1] ?? null,
  };
}
