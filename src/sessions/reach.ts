/** SQL: whose sessions and events a grant reaches. */
import { type Column, type SQL, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';

/** The row is of a client that the grant reaches. One parameter, however many there are. */
export function isReached(clientId: Column, { forClients }: Grant): SQL | undefined {
  if (forClients === null) return undefined;
  return sql`${clientId} in (select value from json_each(${JSON.stringify([...forClients])}))`;
}
