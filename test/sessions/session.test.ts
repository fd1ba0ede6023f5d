/**
 * The rules of src/sessions/session.ts: each pure function and its SQL twin give the same answer.
 */
import { env } from 'cloudflare:test';
import { and, eq } from 'drizzle-orm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionPolicies, SessionPolicy } from '../../src/config/session-policy';
import { openHome, transact } from '../../src/db/d1';
import { newAccess } from '../../src/db/d1-access';
import { EVERYONE, notBefores, userSessions } from '../../src/db/schema';
import {
  checkSession,
  idleExpiresAt,
  isLive,
  isWithinGrace,
  lastUsedAt,
  MOVED,
  type Moved,
  type SessionWithNotBefore,
  selectSession,
  wasRotatedWithinGrace,
} from '../../src/sessions/session';

const NOW = Date.UTC(2026, 0, 1) + 500;
const byDefault: SessionPolicy = {
  graceSeconds: 30,
  inactivitySeconds: 600,
  lifetimeSeconds: null,
  accessTokenTtlSeconds: 300,
  maxSessionsPerUser: null,
  limitPolicy: 'evict_oldest',
  countedClient: null,
  isPersistent: true,
};
const policy: SessionPolicies = { byDefault, byClient: new Map() };
const fresh = {
  clientId: null,
  createdAt: new Date(NOW - 500),
  rotatedAt: null,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  movedTo: null,
  isBeforeNotBefore: 0,
} as const;

describe('checkSession', () => {
  const at = (seconds: number) => new Date(NOW - 500 + seconds * 1000);
  it.each([
    ['a fresh session is live', {}, null],
    ['a second before its limit is live', { expiresAt: at(1) }, null],
    ['from the second of its limit on, it is over', { expiresAt: at(0) }, 'expired_absolute'],
    ['a second before the inactivity timeout is live', { createdAt: at(-599) }, null],
    [
      'from the second of the inactivity timeout on, it is over',
      { createdAt: at(-600) },
      'expired_idle',
    ],
    ['a rotation starts the inactivity anew', { createdAt: at(-9000), rotatedAt: at(-10) }, null],
    [
      'revoked counts before expired',
      { expiresAt: at(-1), revokedAt: at(-5), revokedReason: 'evicted' },
      'evicted',
    ],
    [
      'a guest who became a user is told no more than that it is over',
      { revokedAt: at(-5), revokedReason: 'upgraded' },
      'revoked',
    ],
    [
      'a reason of a later release is revoked',
      { revokedAt: at(-5), revokedReason: 'novel' },
      'revoked',
    ],
    ['revoked without a reason is revoked', { revokedAt: at(-5) }, 'revoked'],
    ['one that has moved is not over, but elsewhere', { movedTo: 'DB_WEUR' }, MOVED],
    [
      'one that was revoked before it moved is asked where it went, too',
      { movedTo: 'DB_WEUR', revokedAt: at(-5) },
      MOVED,
    ],
    ['one that began before a not-before is over', { isBeforeNotBefore: 1 }, 'revoked'],
  ] as [string, Partial<SessionWithNotBefore>, string | Moved | null][])(
    '%s',
    (_, row, expected) => {
      expect(checkSession({ ...fresh, ...row }, policy, NOW)).toBe(expected);
    },
  );
});

describe('the end by inactivity', () => {
  it.each([0, 1, 500, 999])(
    'is the first second in which the session is over, %i ms into a second',
    (slip) => {
      const session = { ...fresh, rotatedAt: new Date(NOW - 500 + slip) };
      const end = idleExpiresAt(session, policy)?.getTime() as number;
      expect(end % 1000).toBe(0);
      expect(checkSession(session, policy, end - 1)).toBeNull();
      expect(checkSession(session, policy, end)).toBe('expired_idle');
    },
  );

  it('counts from the creation until the first rotation, and is none without a timeout', () => {
    expect(lastUsedAt(fresh)).toBe(fresh.createdAt);
    expect(
      idleExpiresAt(fresh, {
        ...policy,
        byDefault: { ...byDefault, inactivitySeconds: null },
      }),
    ).toBeNull();
  });
});

describe('in SQL', () => {
  /**
   * Milliseconds from `now` to what a rule compares it with: mostly at the boundary, a millisecond
   * or a second beside it.
   */
  const around = (...boundaries: number[]) =>
    fc.oneof(
      { weight: 1, arbitrary: fc.integer({ min: -2_000_000, max: 2_000_000 }) },
      {
        weight: 3,
        arbitrary: fc
          .tuple(
            fc.constantFrom(...boundaries),
            fc.constantFrom(-1001, -1000, -999, -501, -1, 0, 1, 499, 500, 999, 1000, 1001),
          )
          .map(([boundary, slip]) => boundary + slip),
      },
    );
  const limits = {
    graceSeconds: fc.constantFrom(0, 1, 30, 600),
    inactivitySeconds: fc.constantFrom(null, 1, 600),
  };
  /** One with a policy of its own, and an id that is easily misquoted. */
  const ODD_CLIENT = `it's "odd"\\[0].$`;
  const arbitrary = fc
    .record({
      settings: fc.record(limits),
      ofOwn: fc.record(limits),
      client: fc.constantFrom(null, 'plain', ODD_CLIENT),
      millisecond: fc.constantFrom(0, 1, 500, 999),
    })
    .chain(({ millisecond, settings, ofOwn, client }) => {
      const own = client === ODD_CLIENT ? ofOwn : settings;
      const idle = (own.inactivitySeconds ?? 600) * -1000;
      return fc.record({
        settings: fc.constant({
          byDefault: { ...byDefault, ...settings },
          byClient: new Map([
            [ODD_CLIENT, { ...byDefault, ...ofOwn }],
            ['third', { ...byDefault, graceSeconds: 7, inactivitySeconds: 7 }],
          ]),
        }),
        client: fc.constant(client),
        now: fc.constant(NOW - 500 + millisecond),
        created: around(0, idle),
        rotated: fc.option(around(0, own.graceSeconds * -1000, idle)),
        expires: fc.option(around(0)),
        isRevoked: fc.integer({ min: 0, max: 4 }).map((die) => die === 0),
        hasMoved: fc.integer({ min: 0, max: 9 }).map((die) => die === 0),
        notBefore: fc.option(around(0), { freq: 1 }),
        isForEveryone: fc.boolean(),
      });
    });

  it('isLive is checkSession, and isWithinGrace is wasRotatedWithinGrace', async () => {
    const home = openHome({ name: 'DB', binding: env.DB, timeoutMs: 5_000 }, newAccess());
    const { db } = home;
    const seen = { live: 0, over: 0, within: 0, outside: 0 };
    await fc.assert(
      fc.asyncProperty(arbitrary, async (row) => {
        const {
          settings,
          client,
          now,
          created,
          rotated,
          expires,
          isRevoked,
          hasMoved,
          notBefore,
          isForEveryone,
        } = row;
        const id = crypto.randomUUID();
        const matching = (condition: ReturnType<typeof isLive>) =>
          db
            .select({ id: userSessions.id })
            .from(userSessions)
            .where(and(eq(userSessions.id, id), condition));
        const outdated = db.insert(notBefores).values({
          subject: isForEveryone ? EVERYONE : id,
          notBefore: new Date(now + (notBefore ?? 0)),
          expiresAt: new Date(now + 1e9),
        });
        const {
          read: [session],
          live,
          within,
        } = await transact(home, () => ({
          inserted: db.insert(userSessions).values({
            id,
            clientId: client,
            refreshToken: 'x',
            createdAt: new Date(now + created),
            rotatedAt: rotated === null ? null : new Date(now + rotated),
            expiresAt: expires === null ? null : new Date(now + expires),
            revokedAt: isRevoked ? new Date(now) : null,
            movedTo: hasMoved ? 'DB_WEUR' : null,
          }),
          notBefore: notBefore === null ? db.delete(notBefores) : outdated,
          read: selectSession(id),
          live: matching(isLive(settings, now)),
          within: matching(isWithinGrace(settings, now)),
          cleared: db.delete(notBefores),
        }));
        const isOver = checkSession(session as SessionWithNotBefore, settings, now) !== null;
        expect(live.length === 0).toBe(isOver);
        const isWithin = wasRotatedWithinGrace(session as SessionWithNotBefore, settings, now);
        expect(within.length === 1).toBe(isWithin);
        seen[isOver ? 'over' : 'live'] += 1;
        seen[isWithin ? 'within' : 'outside'] += 1;
      }),
      { numRuns: 500 },
    );
    // Neither answer is rare among what was tried.
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(25);
  });
});
