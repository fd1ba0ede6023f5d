/** SQL: the sessions and events that a grant reaches. */
import { type Column, type SQL, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import type { Given } from '../db/prepared';

/**
 * SQL: the row belongs to a client that the grant reaches. One parameter, however many clients
 * there are.
 */
export function isReached(clientId: Column, { forClients }: Grant): SQL | undefined {
  return forClients === null ? undefined : isIn(clientId, toReach({ forClients }));
}

/** The same in a prepared statement, which is given the grant as `toReach` has it. */
export function isReachedBy(clientId: Column, reach: Given): SQL {
  return sql`(${reach} is null or ${isIn(clientId, reach)})`;
}

/** The clients that a grant reaches, as a JSON array; null: all of them. */
export function toReach({ forClients }: Pick<Grant, 'forClients'>): string | null {
  return forClients && JSON.stringify([...forClients]);
}

const isIn = (clientId: Column, reach: Given) =>
  sql`${clientId} in (select value from json_each(${reach}))`;
