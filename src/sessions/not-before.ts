/**
 * A not-before: a session that began before a time, or a token that was issued before it, is no
 * longer good, whatever its own row says. One row does this for a user, a guest or everyone of a
 * home. An operator writes one after a database was restored to an earlier point, which brings back
 * sessions that were revoked since, and tokens that were rotated.
 */
import { and, isNull, type SQL, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { EVERYONE, notBefores, SUBJECT, userSessions } from '../db/schema';
import { type Act, recordAct } from '../security-log/audit';
import type { RevokedReason } from './end-reason';

/**
 * 9999-12-31. A session's row was made under a configuration that may have changed since, so no
 * configuration says when the last session that a not-before ended is gone.
 */
const FOR_EVER = new Date(253_402_300_799_000);

/**
 * Prefixes of subjects that are no one's id. With a session's id: the session was erased, so that
 * no row of its own says that its tokens are over. With the SHA-256 of a person's id: the person
 * was erased.
 */
export const ERASED_SESSION = 'session:';
export const ERASED_PERSON = 'erased:';

const LATER_WINS = {
  target: notBefores.subject,
  set: {
    notBefore: sql`max(${notBefores.notBefore}, excluded.not_before)`,
    expiresAt: sql`max(${notBefores.expiresAt}, excluded.expires_at)`,
  },
};

/** `notBefore` in ms, of use until `until`. */
interface NotBefore {
  notBefore: number;
  until: Date;
}

/**
 * The statement. Of two not-befores the later one wins. It
 * does nothing where `condition` does not hold.
 */
export function upsertNotBefore(
  { db }: Home,
  subject: string,
  { notBefore, until }: NotBefore,
  condition: SQL = sql`true`,
) {
  const [from, to] = [notBefore, until.getTime()].map((time) => Math.floor(time / 1000));
  return db
    .insert(notBefores)
    .select(sql`select ${subject}, ${from}, ${to} where ${condition}`)
    .onConflictDoUpdate(LATER_WINS);
}

/** The same for several subjects, in one statement. */
export function upsertNotBefores(
  { db }: Home,
  subjects: readonly string[],
  { notBefore, until }: NotBefore,
) {
  const [from, to] = [notBefore, until.getTime()].map((time) => Math.floor(time / 1000));
  return db
    .insert(notBefores)
    .select(
      sql`select value, ${from}, ${to} from json_each(${JSON.stringify(subjects)}) where ${sql`true`}`,
    )
    .onConflictDoUpdate(LATER_WINS);
}

/**
 * Ends every session of a subject (a user's id, or EVERYONE in this home) that began before
 * `notBefore` (ms), for good: the row is one a subject, and is kept. One round trip.
 */
export async function setNotBefore(
  home: Home,
  act: Act<'operate'>,
  subject: string,
  notBefore: number,
): Promise<void> {
  await transact(home, () => ({
    notBefore: upsertNotBefore(home, subject, { notBefore, until: FOR_EVER }),
    audit: recordAct(home, act),
  }));
}

/** SQL: the subjects of not-befores that lapsed first. EVERYONE's never does. */
export function lapsedNotBefores(now: Date, limit: number): SQL {
  const { subject, expiresAt } = notBefores;
  const second = Math.floor(now.getTime() / 1000);
  return sql`(select ${subject} from ${notBefores} where ${expiresAt} <= ${second} and ${subject} <> ${EVERYONE} order by ${expiresAt}, rowid limit ${limit})`;
}

/**
 * The statement that marks the sessions of these subjects that only a not-before has ended, so that
 * they stay over when it is gone: a session may have been begun by a slow request while its user
 * was signed out everywhere, and releases before this one gave every not-before an end.
 */
export function endForGood({ db }: Home, subjects: SQL) {
  const { userId, id, createdAt, revokedAt, movedTo } = userSessions;
  const notBefore = sql`(select ${notBefores.notBefore} from ${notBefores} where ${notBefores.subject} = ${SUBJECT})`;
  return db
    .update(userSessions)
    .set({ revokedAt: notBefore, revokedReason: 'revoked' satisfies RevokedReason })
    .where(
      and(
        // The plus keeps SQLite from looking for guests by the index on user_id, where all are.
        sql`(${userId} in ${subjects} or (${id} in ${subjects} and +${userId} is null))`,
        isNull(revokedAt),
        isNull(movedTo),
        sql`${createdAt} < ${notBefore}`,
      ),
    );
}
