/**
 * Exchanging a hand-off code: the session leaves its first secret, which the code holds, for one that only the browser
 * gets. The condition of that one statement makes the code single-use: of any number at once, one finds the first secret.
 * The new secret is random and not the ratchet's next, so that nobody who holds the code could make it.
 */
import { and, eq, exists, isNull, ne, sql } from 'drizzle-orm';
import type { SessionPolicy } from '../config';
import { randomSecret, sha256 } from '../crypto';
import { type Home, transact } from '../db/homes';
import { userSessions } from '../db/schema';
import { isLive, type RevokedReason, type Session } from './session';

/**
 * Takes the session's first secret out of use and gives its successor; null when it was used before or the session is over.
 * `replaces` is the session that the browser had until now: it is signed out in the same transaction (ASVS 7.2.4). One round trip.
 */
export async function exchangeHandoff(
  home: Home,
  policy: SessionPolicy,
  { sessionId, clientId, secret }: { sessionId: string; clientId: string; secret: string },
  { replaces, now }: { replaces: string | null; now: number },
): Promise<{ session: Session; secret: string } | null> {
  const next = randomSecret();
  const [first, refreshToken] = await Promise.all([sha256(secret), sha256(next)]);
  const rotatedAt = new Date(now);
  const own = and(eq(userSessions.id, sessionId), eq(userSessions.clientId, clientId));
  // Also true when this is a rerun and the run before was applied: nobody else can have made this hash.
  const exchanged = and(own, eq(userSessions.refreshToken, refreshToken));
  const isExchanged = exists(home.db.select({ one: sql`1` }).from(userSessions).where(exchanged));
  const [, , found] = await transact(
    home,
    () =>
      [
        home.db
          .update(userSessions)
          .set({ refreshToken, rotatedAt })
          .where(and(own, eq(userSessions.refreshToken, first), isNull(userSessions.rotatedAt), isLive(policy, now))),
        home.db
          .update(userSessions)
          .set({ revokedAt: rotatedAt, revokedReason: 'signed_out' satisfies RevokedReason })
          .where(
            and(
              eq(userSessions.id, replaces ?? ''),
              ne(userSessions.id, sessionId),
              isNull(userSessions.revokedAt),
              isExchanged,
            ),
          ),
        home.db.select().from(userSessions).where(exchanged),
      ] as const,
  );
  const session = found[0];
  return session === undefined ? null : { session, secret: next };
}
