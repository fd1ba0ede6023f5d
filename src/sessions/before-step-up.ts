/**
 * The column `before_step_up`: the session as it was before a step-up. A holder of the token that
 * the backend showed, or of a copy, has proved nothing anew: only the answer to the step-up has the
 * token that stands for the new authentication. Until the grace period ends a refresh with the
 * superseded token gives that token again, with the former authentication, so that a tab that has
 * not heard of the step-up is neither signed out nor raised to a class that its holder never proved
 * (NIST SP 800-63B §7.1, RFC 9470 §6.2).
 *
 * When the answer itself was lost, the superseded token comes back after that, as any lost answer
 * does. Then the step-up is taken back with it, because the service cannot tell a person who missed
 * an answer from a thief who looks alike, and of the two only the person can prove who they are
 * again.
 */
import { type SQL, sql } from 'drizzle-orm';
import * as v from 'valibot';
import type { SessionPolicies } from '../config/session-policy';
import type { Given } from '../db/prepared';
import { userSessions } from '../db/schema';
import type { Successor } from '../tokens/refresh-token';
import { parseJson } from './parse-json';
import { toGraceSql } from './policy-sql';
import { type Session, wasRotatedWithinGrace } from './session';

/** `user_sessions.before_step_up`, as JSON: the oldest first. */
const beforeStepUpSchema = v.array(
  v.object({
    /** The hash of the superseded token, as `refresh_token` had it. */
    hash: v.string(),
    /** When that token became the current one, in ms; null: with the session. */
    rotated_at: v.nullable(v.number()),
    /** The end of its grace period, in ms. */
    until: v.number(),
    /** The values of the columns of these names: seconds, the text of a JSON array, text. */
    auth_time: v.nullable(v.number()),
    amr: v.nullable(v.string()),
    acr: v.nullable(v.string()),
  }),
);
type Before = v.InferOutput<typeof beforeStepUpSchema>[number];

/** How the person proved who they are, as a session's tokens say it. */
export type KnownAuthentication = Pick<Session, 'authTime' | 'amr' | 'acr'>;

/** A token that a step-up superseded, or its predecessor, within the grace period. */
export interface SupersededByStepUp {
  /** The secret of the token that the answer has. */
  secret: string;
  /** Whether that token is the presented one itself. */
  isKept: boolean;
  authentication: KnownAuthentication;
}

type Presented = {
  secret: string;
  hash: string;
  successors: readonly Successor[];
};

/**
 * The authentication that the presented token stands for, where a step-up superseded it within the
 * grace period; null: it did not.
 */
export function findSupersededByStepUp(
  { beforeStepUp, clientId }: Pick<Session, 'beforeStepUp' | 'clientId'>,
  { secret, hash, successors }: Presented,
  policies: SessionPolicies,
  now: number,
): SupersededByStepUp | null {
  const inGrace = parse(beforeStepUp).filter(({ until }) => until > now);
  const own = inGrace.find((before) => before.hash === hash);
  if (own !== undefined) return { secret, isKept: true, authentication: toAuthentication(own) };
  for (const before of inGrace) {
    const successor = successors.find((candidate) => candidate.hash === before.hash);
    const rotatedAt = before.rotated_at === null ? null : new Date(before.rotated_at);
    if (successor !== undefined && wasRotatedWithinGrace({ rotatedAt, clientId }, policies, now))
      return {
        secret: successor.secret,
        isKept: false,
        authentication: toAuthentication(before),
      };
  }
  return null;
}

/** The session as it was before the step-up that superseded this token; null: no step-up did. */
export function findBeforeStepUp(
  row: Pick<Session, 'beforeStepUp'>,
  hash: string,
): KnownAuthentication | null {
  const before = parse(row.beforeStepUp).find((candidate) => candidate.hash === hash);
  return before === undefined ? null : toAuthentication(before);
}

/**
 * SQL: one of these tokens (a JSON array of hashes) was superseded by a step-up, and is within its
 * grace period.
 */
export function wasSupersededByStepUp(hashes: Given, now: Given): SQL {
  const isOne = sql`value ->> 'hash' in (select value from json_each(${hashes}))`;
  return sql`exists (select 1 from json_each(${listed}) where ${isOne} and value ->> 'until' > ${now})`;
}

/** SQL: the column after a step-up that supersedes the current token. */
export function supersededByStepUp(policies: SessionPolicies, now: Given): SQL {
  const { refreshToken, rotatedAt, authTime, amr, acr } = userSessions;
  const inGrace = sql`select json_group_array(json(value)) from json_each(${listed}) where value ->> 'until' > ${now}`;
  const current = sql`json_object('hash', ${refreshToken}, 'rotated_at', ${rotatedAt}, 'until', ${now} + ${toGraceSql(policies)}, 'auth_time', ${authTime}, 'amr', ${amr}, 'acr', ${acr})`;
  return sql`json_insert((${inGrace}), '$[#]', ${current})`;
}

const listed = sql`iif(json_valid(${userSessions.beforeStepUp}), ${userSessions.beforeStepUp}, '[]')`;

function toAuthentication({ auth_time: seconds, amr, acr }: Before): KnownAuthentication {
  return { authTime: seconds === null ? null : new Date(seconds * 1000), amr, acr };
}

function parse(text: string | null): Before[] {
  const parsed = v.safeParse(beforeStepUpSchema, parseJson(text));
  return parsed.success ? parsed.output : [];
}
