/**
 * The grant that a session began with: whom its access tokens may be for (RFC 8707 §2.2), and
 * which scopes they may have (RFC 6749 §6). A request may ask for less in a token; a session never
 * gets more. The rule stands here twice, for a row and as the SQL that a refresh decides by.
 */
import { type Column, type SQL, sql } from 'drizzle-orm';
import { given, type Values } from '../db/prepared';
import { userSessions } from '../db/schema';
import { parseJson } from './parse-json';
import type { Session } from './session';

/**
 * The audiences and scopes that a request asks of an access token; null: all that the session was
 * granted.
 */
export interface RequestedGrant {
  audiences: readonly string[] | null;
  scopes: readonly string[] | null;
}

export const NOTHING_REQUESTED: RequestedGrant = { audiences: null, scopes: null };

export type NotGranted = 'invalid_target' | 'invalid_scope';

/**
 * Parses the column `audiences` or `scopes`; null: the session was not narrowed, or has no scopes.
 */
export function parseGranted(column: string | null): readonly string[] | null {
  if (column === null) return null;
  const granted = parseJson<unknown>(column);
  return Array.isArray(granted) ? granted.filter((name) => typeof name === 'string') : [];
}

/** Why a session has no such token to give; null: it has. */
export function whyNotGranted(
  { audiences, scopes }: Pick<Session, 'audiences' | 'scopes'>,
  requested: RequestedGrant,
): NotGranted | null {
  const isWithin = (requested: readonly string[] | null, column: string | null) => {
    const granted = parseGranted(column);
    return granted === null || (requested ?? []).every((one) => granted.includes(one));
  };
  if (!isWithin(requested.audiences, audiences)) return 'invalid_target';
  return isWithin(requested.scopes, scopes) ? null : 'invalid_scope';
}

/** SQL twin of `whyNotGranted(…) === null`, for the values of `toRequestedValues`. */
export const IS_GRANTED: SQL = sql`${isWithin('requestedAudiences', userSessions.audiences)} and ${isWithin('requestedScopes', userSessions.scopes)}`;

export function toRequestedValues({ audiences, scopes }: RequestedGrant) {
  return {
    requestedAudiences: audiences && JSON.stringify(audiences),
    requestedScopes: scopes && JSON.stringify(scopes),
  } satisfies Values;
}

function isWithin(requested: string, granted: Column): SQL {
  const list = sql`iif(json_valid(${granted}), iif(json_type(${granted}) = 'array', ${granted}, '[]'), '[]')`;
  const held = sql`select value from json_each(${list}) where type = 'text'`;
  return sql`(${granted} is null or not exists (select 1 from json_each(${given(requested)}) where value not in (${held})))`;
}
