/**
 * Reading the audit log: newest first, a page at a time. Every home that carried an act out has its
 * event, under one id and of one time, so all homes are in one order and an event is listed once.
 */
import { and, desc, type SQL, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { type Home, type Replica, transact } from '../db/d1';
import { sessionEvents } from '../db/schema';
import type { Page } from '../sessions/list';
import type { Position } from '../sessions/open';
import { IS_AUDIT, NO_LONGER_NAMED } from './audit';
import type { SessionEvent } from './read-events';

export interface AuditPage {
  events: { event: SessionEvent; homes: string[] }[];
  /** null: this is the last page. */
  next: Position | null;
}

/** Reads one home's page, and one event more, which tells whether there is a next page. */
export async function listAuditEvents(
  database: Home | Replica,
  _grant: Grant<'operate'>,
  { after, limit }: Page,
): Promise<SessionEvent[]> {
  const isAfter: SQL | undefined =
    after === null
      ? undefined
      : sql`(${sessionEvents.createdAt}, ${sessionEvents.id}) < (${after.createdAt.getTime() / 1000}, ${after.id})`;
  const page = database.db
    .select()
    .from(sessionEvents)
    .where(and(IS_AUDIT, isAfter))
    .orderBy(desc(sessionEvents.createdAt), desc(sessionEvents.id))
    .limit(limit + 1);
  const { rows } = await transact(database, () => ({ rows: page }));
  return rows;
}

/**
 * Merges the pages of several homes into one. Where homes have the same event, the row that still
 * names its person is taken.
 */
export function mergeAuditPages(
  pages: readonly { home: string; rows: readonly SessionEvent[] }[],
  { limit }: Page,
): AuditPage {
  const byId = new Map<string, AuditPage['events'][number]>();
  for (const { home, rows } of pages)
    for (const event of rows) {
      const known = byId.get(event.id);
      byId.set(event.id, {
        event: known === undefined || known.event.subject === NO_LONGER_NAMED ? event : known.event,
        homes: [...(known?.homes ?? []), home],
      });
    }
  const all = [...byId.values()].sort(
    ({ event: a }, { event: b }) =>
      b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1),
  );
  const events = all.slice(0, limit);
  const last = all.length > limit ? events.at(-1)?.event : undefined;
  return { events, next: last === undefined ? null : { createdAt: last.createdAt, id: last.id } };
}
