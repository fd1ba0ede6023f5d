/**
 * Exports everything that is held of a person, row by row as it is stored: the user, their sessions
 * and those of the guests they were, the log, and its deliveries that are still to be made. A page
 * reads a bounded number of rows of one home. Columns that verify tokens are left out, because
 * nobody may have them.
 */

import { asc, eq, getTableColumns, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { type Home, transact } from '../db/d1';
import {
  notBefores,
  sessionEvents,
  unfinishedMoves,
  userSessions,
  users,
  webhookDeliveries,
} from '../db/schema';
import { type Act, auditSubjectOf, recordAct } from '../security-log/audit';
import { isIn } from './erase';
import { exportedOf, JSON_COLUMNS } from './session-columns';

/** The sections of an export, one after the other. */
export const SECTIONS = ['person', 'sessions', 'events'] as const;
export type Section = (typeof SECTIONS)[number];

export interface HeldRow {
  table: string;
  /** The columns by their names; times in ISO 8601, JSON parsed. */
  row: Record<string, Held>;
}

/** As JSON has it. */
type Held = string | number | boolean | object | null;

export interface ExportPage {
  rows: HeldRow[];
  /** Where the section goes on; null: this is its end. */
  next: number | null;
}

/** The rowid, SQLite's own order of a table, by which a page goes on. */
const ROW = sql<number>`rowid`;

interface Person {
  subject: string;
  /** The ids of guest sessions that the user was before (sessions/erase.ts). */
  formerGuests: readonly string[];
}

interface SectionPage {
  section: Section;
  after: number;
  limit: number;
}

/** One page of a section, after a row. One round trip, which records that it was asked for. */
export function exportSection(
  home: Home,
  act: Act<'manage_all'>,
  person: Person,
  page: SectionPage,
): Promise<ExportPage> {
  switch (page.section) {
    case 'person':
      return exportPerson(home, act, person);
    case 'sessions':
      return exportSessions(home, act, person, page);
    case 'events':
      return exportEvents(home, act, person, page);
  }
}

const subjectsOf = ({ subject, formerGuests }: Person) => [subject, ...formerGuests];

async function exportPerson(
  home: Home,
  act: Act<'manage_all'>,
  person: Person,
): Promise<ExportPage> {
  const { db } = home;
  const subjects = subjectsOf(person);
  const { people, moves, bounds } = await transact(home, () => ({
    audit: recordAct(home, act),
    people: db.select().from(users).where(eq(users.id, person.subject)),
    moves: db.select().from(unfinishedMoves).where(isIn(unfinishedMoves.subject, subjects)),
    bounds: db.select().from(notBefores).where(isIn(notBefores.subject, subjects)),
  }));
  const rows = [
    ...people.map((row) => toHeld(users, 'users', row)),
    ...moves.map((row) => toHeld(unfinishedMoves, 'unfinished_moves', row)),
    ...bounds.map((row) => toHeld(notBefores, 'outdated_tokens', row)),
  ];
  return { rows, next: null };
}

async function exportSessions(
  home: Home,
  act: Act<'manage_all'>,
  { subject, formerGuests }: Person,
  { after, limit }: SectionPage,
): Promise<ExportPage> {
  const columns = exportedOf(getTableColumns(userSessions));
  // Each of the two is in the order of an index, so that neither is read beyond the page.
  const rows = sql`select rowid from ${userSessions}`;
  const next = sql`rowid > ${after} order by rowid limit ${limit + 1}`;
  const ofUser = sql`${rows} where ${userSessions.userId} = ${subject} and ${next}`;
  const guests = isIn(userSessions.id, [subject, ...formerGuests]);
  const ofGuests = sql`${rows} where ${guests} and ${isNull(userSessions.userId)} and ${next}`;
  const page = home.db
    .select({ ...columns, position: ROW.as('position') })
    .from(userSessions)
    .where(sql`rowid in (select rowid from (${ofUser}) union all select rowid from (${ofGuests}))`)
    .orderBy(asc(ROW))
    .limit(limit + 1);
  const { found } = await transact(home, () => ({ audit: recordAct(home, act), found: page }));
  return toPage(found, limit, (row) => toHeld(userSessions, 'user_sessions', row));
}

/** The person's log, and what the audit log has of them. */
async function exportEvents(
  home: Home,
  act: Act<'manage_all'>,
  person: Person,
  { after, limit }: SectionPage,
): Promise<ExportPage> {
  const { db } = home;
  // The events of each subject are in the order of its index, so that none is read beyond the page.
  const subjects = subjectsOf(person).flatMap((subject) => [subject, auditSubjectOf(subject)]);
  const ofEach = sql`select seq from json_each(${JSON.stringify(subjects)}) as of join ${sessionEvents} on seq in (select seq from ${sessionEvents} as own where own.subject = of.value and own.seq > ${after} order by own.seq limit ${limit + 1})`;
  const ofPage = (count: number) =>
    sql`${sessionEvents.seq} in (select seq from (${ofEach}) order by seq limit ${count})`;
  const page = db
    .select()
    .from(sessionEvents)
    .where(ofPage(limit + 1))
    .orderBy(asc(sessionEvents.seq));
  const ids: SQL = sql`(select id from ${sessionEvents} where ${ofPage(limit)})`;
  const { events, deliveries } = await transact(home, () => ({
    audit: recordAct(home, act),
    events: page,
    deliveries: db.select().from(webhookDeliveries).where(inArray(webhookDeliveries.eventId, ids)),
  }));
  const positioned = events.map((event) => ({ ...event, position: event.seq }));
  const { rows, next } = toPage(positioned, limit, (row) =>
    toHeld(sessionEvents, 'session_events', row),
  );
  const outbox = deliveries.map((row) => toHeld(webhookDeliveries, 'webhook_deliveries', row));
  return { rows: [...rows, ...outbox], next };
}

function toPage<T extends { position: number }>(
  found: T[],
  limit: number,
  toRow: (row: T) => HeldRow,
): ExportPage {
  const page = found.slice(0, limit);
  const next = found.length > limit ? (page.at(-1)?.position ?? null) : null;
  return { rows: page.map(toRow), next };
}

const HOLDS_JSON: ReadonlySet<string> = new Set([...Object.keys(JSON_COLUMNS), 'details']);

function toHeld(table: SQLiteTable, name: string, row: Record<string, Held>): HeldRow {
  const columns = Object.entries(getTableColumns(table)).filter(([key]) => key in row);
  return {
    table: name,
    row: Object.fromEntries(
      columns.map(([key, column]) => [column.name, toShown(key, row[key] ?? null)]),
    ),
  };
}

function toShown(name: string, value: Held): Held {
  // A row that was written by hand may hold a text that is no time, or no JSON.
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (!HOLDS_JSON.has(name) || typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
