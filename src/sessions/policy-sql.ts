/**
 * SQL: the policy of a session's client. A statement over the sessions of several clients looks the
 * policy up by each row's client; a prepared statement for one client at a time is given it as a
 * value.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { SessionPolicies, SessionPolicy } from '../config/session-policy';
import { given, type Values } from '../db/prepared';
import { userSessions } from '../db/schema';

/** The policies that a statement goes by: those of each row's client, or the given one. */
export type Policies = SessionPolicies | typeof GIVEN_POLICY;

/** Stands for the policy of one client in a prepared statement. */
export const GIVEN_POLICY = {
  inactivity: sql`${given('inactivity')}`,
  grace: sql`${given('grace')}`,
};

/** The values of `GIVEN_POLICY`. */
export function toValuesOfPolicy(policy: SessionPolicy) {
  return { inactivity: toInactivity(policy), grace: toGraceMs(policy) } satisfies Values;
}

/** A time far beyond every time that a row can hold. */
const NEVER_SECONDS = 1e12;
const toInactivity = ({ inactivitySeconds }: SessionPolicy) => inactivitySeconds ?? NEVER_SECONDS;
const toGraceMs = ({ graceSeconds }: SessionPolicy) => graceSeconds * 1000;

/** SQL: after how many seconds without use the row's session is over. */
export function toInactivitySql(policies: Policies): SQL {
  return 'inactivity' in policies ? policies.inactivity : ofClient(policies, toInactivity);
}

/** SQL: the grace period of the row's session, in milliseconds. */
export function toGraceSql(policies: Policies): SQL {
  return 'grace' in policies ? policies.grace : ofClient(policies, toGraceMs);
}

/** SQL: a value of the policy of the row's client. */
function ofClient(
  { byDefault, byClient }: SessionPolicies,
  pick: (policy: SessionPolicy) => number,
): SQL {
  const others = [...byClient].flatMap(([id, policy]) =>
    pick(policy) === pick(byDefault) ? [] : [[id, pick(policy)]],
  );
  if (others.length === 0) return sql`${pick(byDefault)}`;
  const own = sql`select value ->> 1 from json_each(${JSON.stringify(others)}) where value ->> 0 = ${userSessions.clientId}`;
  return sql`coalesce((${own}), ${pick(byDefault)})`;
}
