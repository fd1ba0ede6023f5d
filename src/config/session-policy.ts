/**
 * How long sessions live, and how many a user may have: the service's own values, and what
 * `sessions` of a client in CLIENTS puts in their place for the client's sessions.
 */
import * as v from 'valibot';
import type { SettingReader } from './setting-reader';

export interface SessionPolicy {
  /** How long a superseded refresh token stays good (sessions/session.ts). 0: strict rotation. */
  graceSeconds: number;
  /**
   * A session that was not refreshed for this long has ended; null: never. No row stores the end:
   * it is worked out whenever it is asked for (`endsAt` in sessions/session.ts, `toInactivitySql`),
   * so that a change holds at once for the sessions that there are. An access token never outlives
   * it, and `refresh_token_expires_in` and the Max-Age of cookies tell it.
   */
  inactivitySeconds: number | null;
  /** A session ends this long after its creation, whatever happens; null: never. */
  lifetimeSeconds: number | null;
  accessTokenTtlSeconds: number;
  /** Active sessions a user may have; null: any number. */
  maxSessionsPerUser: number | null;
  limitPolicy: 'evict_oldest' | 'reject';
  /**
   * The client whose sessions alone the limit counts; null: those of all clients that have no limit
   * of their own.
   */
  countedClient: string | null;
  /** A browser keeps the session when it is closed. */
  isPersistent: boolean;
}

export interface SessionPolicies {
  /** The policy of clients that have none of their own, and of sessions without a client. */
  byDefault: SessionPolicy;
  byClient: ReadonlyMap<string, SessionPolicy>;
}

/** The policy of a client's sessions. */
export function policyOf(
  { byDefault, byClient }: SessionPolicies,
  clientId: string | null,
): SessionPolicy {
  return byClient.get(clientId ?? '') ?? byDefault;
}

/** How long an access token may live, of whichever client it is. */
export function longestTokenTtlSeconds({ byDefault, byClient }: SessionPolicies): number {
  const all = [byDefault, ...byClient.values()];
  return Math.max(...all.map(({ accessTokenTtlSeconds }) => accessTokenTtlSeconds));
}

/** The longest of the service's own and of these clients', and the name of its setting. */
export function longestConfiguredTtl(
  policies: SessionPolicies,
  clientIds: Iterable<string>,
): { seconds: number; name: string } {
  const { accessTokenTtlSeconds: seconds } = policies.byDefault;
  return [...clientIds]
    .map((id) => ({
      seconds: policyOf(policies, id).accessTokenTtlSeconds,
      name: `the access_token_ttl_seconds of ${id}`,
    }))
    .reduce((longest, one) => (one.seconds > longest.seconds ? one : longest), {
      seconds,
      name: 'ACCESS_TOKEN_TTL_SECONDS',
    });
}

const LIMIT_POLICIES = ['evict_oldest', 'reject'] as const;
const DAY = 86_400;

/** The least and the most that each number may be, for the service and for a client. */
export const RANGES = {
  grace: [0, 600],
  inactivity: [0, 10_000 * DAY],
  lifetime: [0, 10_000 * DAY],
  accessTokenTtl: [1, DAY],
  maxSessionsPerUser: [0, 10_000],
} as const satisfies Record<string, readonly [number, number]>;

/** The policy of the service itself. */
export function parseSessionPolicy({ wholeNumber, oneOf }: SettingReader): SessionPolicy {
  const { grace, inactivity, lifetime, accessTokenTtl, maxSessionsPerUser: max } = RANGES;
  return {
    graceSeconds: wholeNumber('REFRESH_GRACE_SECONDS', { byDefault: 30, range: grace }),
    inactivitySeconds: zeroToNull(
      wholeNumber('INACTIVITY_TIMEOUT_SECONDS', { byDefault: 14 * DAY, range: inactivity }),
    ),
    lifetimeSeconds: zeroToNull(
      wholeNumber('SESSION_LIFETIME_SECONDS', { byDefault: 30 * DAY, range: lifetime }),
    ),
    accessTokenTtlSeconds: wholeNumber('ACCESS_TOKEN_TTL_SECONDS', {
      byDefault: 300,
      range: accessTokenTtl,
    }),
    maxSessionsPerUser: zeroToNull(
      wholeNumber('MAX_SESSIONS_PER_USER', { byDefault: 100, range: max }),
    ),
    limitPolicy: oneOf('SESSION_LIMIT_POLICY', LIMIT_POLICIES),
    countedClient: null,
    isPersistent: true,
  };
}

function within([least, most]: readonly [number, number]) {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.optional(
    v.pipe(
      v.number(message),
      v.integer(message),
      v.minValue(least, message),
      v.maxValue(most, message),
    ),
  );
}

/** `sessions` of an entry of CLIENTS. 0 is no limit, as in the variables of the service. */
export const clientSessionsSchema = v.strictObject({
  lifetime_seconds: within(RANGES.lifetime),
  inactivity_timeout_seconds: within(RANGES.inactivity),
  access_token_ttl_seconds: within(RANGES.accessTokenTtl),
  refresh_grace_seconds: within(RANGES.grace),
  max_per_user: within(RANGES.maxSessionsPerUser),
  limit_policy: v.optional(v.picklist(LIMIT_POLICIES)),
  persistent: v.optional(v.boolean()),
});

export const zeroToNull = (number: number) => (number === 0 ? null : number);

/** The policy of a client whose entry has `sessions`. */
export function toClientPolicy(
  clientId: string,
  sessions: v.InferOutput<typeof clientSessionsSchema>,
  byDefault: SessionPolicy,
): SessionPolicy {
  const orDefault = <T>(given: number | undefined, otherwise: T) =>
    given === undefined ? otherwise : zeroToNull(given);
  const { max_per_user: max } = sessions;
  return {
    graceSeconds: sessions.refresh_grace_seconds ?? byDefault.graceSeconds,
    inactivitySeconds: orDefault(sessions.inactivity_timeout_seconds, byDefault.inactivitySeconds),
    lifetimeSeconds: orDefault(sessions.lifetime_seconds, byDefault.lifetimeSeconds),
    accessTokenTtlSeconds: sessions.access_token_ttl_seconds ?? byDefault.accessTokenTtlSeconds,
    maxSessionsPerUser: orDefault(max, byDefault.maxSessionsPerUser),
    limitPolicy: sessions.limit_policy ?? byDefault.limitPolicy,
    countedClient: max === undefined ? null : clientId,
    isPersistent: sessions.persistent ?? byDefault.isPersistent,
  };
}

/**
 * The policy of a client whose `sessions` cannot be read. Such a client is refused until it is
 * mended; meanwhile none of its sessions may end, or be deleted, before its time by the right
 * policy, and verifiers are told of its ended sessions for as long as any client's tokens may live.
 */
export function toUnreadablePolicy(byDefault: SessionPolicy): SessionPolicy {
  return { ...byDefault, inactivitySeconds: null, accessTokenTtlSeconds: RANGES.accessTokenTtl[1] };
}
