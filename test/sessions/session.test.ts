/** The rules of src/sessions/session.ts: each pure function and its SQL twin give the same answer. */
import { env } from 'cloudflare:test';
import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionPolicy } from '../../src/config';
import { userSessions } from '../../src/db/schema';
import { checkSession, isLive, isWithinGrace, type Session, wasRotatedWithinGrace } from '../../src/sessions/session';

const NOW = Date.UTC(2026, 0, 1) + 500;
const policy: SessionPolicy = {
  graceSeconds: 30,
  inactivitySeconds: 600,
  lifetimeSeconds: null,
  maxSessionsPerUser: null,
  limitPolicy: 'evict_oldest',
};
const fresh = {
  createdAt: new Date(NOW - 500),
  rotatedAt: null,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
} as const;

describe('checkSession', () => {
  const at = (seconds: number) => new Date(NOW - 500 + seconds * 1000);
  it.each([
    ['a fresh session is live', {}, null],
    ['a second before its limit is live', { expiresAt: at(1) }, null],
    ['from the second of its limit on, it is over', { expiresAt: at(0) }, 'expired_absolute'],
    ['a second before the inactivity timeout is live', { createdAt: at(-599) }, null],
    ['from the second of the inactivity timeout on, it is over', { createdAt: at(-600) }, 'expired_idle'],
    ['a rotation starts the inactivity anew', { createdAt: at(-9000), rotatedAt: at(-10) }, null],
    ['revoked counts before expired', { expiresAt: at(-1), revokedAt: at(-5), revokedReason: 'evicted' }, 'evicted'],
    [
      'a guest who became a user is told no more than that it is over',
      { revokedAt: at(-5), revokedReason: 'upgraded' },
      'revoked',
    ],
    ['a reason of a later release is revoked', { revokedAt: at(-5), revokedReason: 'novel' }, 'revoked'],
    ['revoked without a reason is revoked', { revokedAt: at(-5) }, 'revoked'],
  ] as [string, Partial<Session>, string | null][])('%s', (_, row, expected) => {
    expect(checkSession({ ...fresh, ...row }, policy, NOW)).toBe(expected);
  });
});

describe('in SQL', () => {
  /** Milliseconds around `now`, most of them close to a boundary. */
  const offset = (...boundaries: number[]) =>
    fc.oneof(
      fc.integer({ min: -2_000_000, max: 2_000_000 }),
      fc
        .record({
          boundary: fc.constantFrom(...boundaries),
          slip: fc.constantFrom(-1000, -501, -500, -1, 0, 1, 499, 500, 1000),
        })
        .map(({ boundary, slip }) => boundary + slip),
    );
  const arbitrary = fc.record({
    created: offset(0, -600_000),
    rotated: fc.option(offset(0, -30_000, -600_000)),
    expires: fc.option(offset(0)),
    isRevoked: fc.boolean(),
    graceSeconds: fc.constantFrom(0, 30),
    inactivitySeconds: fc.constantFrom(null, 600),
  });

  it('isLive is checkSession, and isWithinGrace is wasRotatedWithinGrace', async () => {
    const db = drizzle(env.DB);
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ created, rotated, expires, isRevoked, graceSeconds, inactivitySeconds }) => {
        const settings = { ...policy, graceSeconds, inactivitySeconds };
        const [row] = await db
          .insert(userSessions)
          .values({
            refreshToken: 'x',
            createdAt: new Date(NOW + created),
            rotatedAt: rotated === null ? null : new Date(NOW + rotated),
            expiresAt: expires === null ? null : new Date(NOW + expires),
            revokedAt: isRevoked ? new Date(NOW) : null,
          })
          .returning();
        const session = row as Session;
        const matches = async (condition: ReturnType<typeof isLive>) =>
          (
            await db
              .select({ id: userSessions.id })
              .from(userSessions)
              .where(and(eq(userSessions.id, session.id), condition))
          ).length === 1;
        expect(await matches(isLive(settings, NOW))).toBe(checkSession(session, settings, NOW) === null);
        expect(await matches(isWithinGrace(settings, NOW))).toBe(wasRotatedWithinGrace(session, settings, NOW));
      }),
      { numRuns: 300 },
    );
  });
});
