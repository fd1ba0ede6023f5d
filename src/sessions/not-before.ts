/**
 * A not-before: what began, or was issued, before a time is no longer good, whatever its own row
 * says. One row does it for a user, a guest or everyone of a home. It is what to write after a
 * database was restored to an earlier point, which brings back sessions that were revoked since,
 * and tokens that were rotated.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { SessionPolicy } from '../config/config';
import { type Home, transact } from '../db/d1';
import { outdatedTokens } from '../db/schema';

/** Sessions without a limit by time may be of any age: 9999-12-31. */
const FOR_EVER = new Date(253_402_300_799_000);

/**
 * Subjects that are no one's id. An erased session's is this and the session's id: no row is left
 * to say that its tokens are over. An erased person's is this and the SHA-256 of their id.
 */
export const ERASED_SESSION = 'session:';
export const ERASED_PERSON = 'erased:';

/**
 * The statement: `notBefore` in ms, of use until `until`. Of two, the later one wins. It does
 * nothing where `condition` does not hold.
 */
export function outdate(
  { db }: Home,
  subject: string,
  notBefore: number,
  until: Date,
  condition: SQL = sql`true`,
) {
  const [from, to] = [notBefore, until.getTime()].map((time) => Math.floor(time / 1000));
  return db
    .insert(outdatedTokens)
    .select(sql`select ${subject}, ${from}, ${to} where ${condition}`)
    .onConflictDoUpdate({
      target: outdatedTokens.subject,
      set: {
        notBefore: sql`max(${outdatedTokens.notBefore}, excluded.not_before)`,
        expiresAt: sql`max(${outdatedTokens.expiresAt}, excluded.expires_at)`,
      },
    });
}

/**
 * Ends every session of a subject (a user's id, or EVERYONE in this home) that began before
 * `notBefore` (ms). One round trip, one row.
 */
export async function outdateSessions(
  home: Home,
  { lifetimeSeconds }: SessionPolicy,
  subject: string,
  notBefore: number,
): Promise<void> {
  const until = lifetimeSeconds === null ? FOR_EVER : new Date(notBefore + lifetimeSeconds * 1000);
  await transact(home, () => [outdate(home, subject, notBefore, until)] as const);
}
