/**
 * Counts events (docs/metrics.md). The cron adds the events that the log gained since its last run
 * to `counts`, for the hour and for all time, in the transaction that also saves how far it came:
 * so each event is counted once, and no operation writes a row for it. Acts of clients are left
 * out: of one there is an event in every home.
 *
 * Sessions that expire leave no event: they are found by the index on their expiry.
 */
import { eq, type SQL, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { cleanupState, counts, sessionEvents, userSessions } from '../db/schema';
import { IS_AUDIT } from './audit';

/** Events, and expiries, that one transaction looks at. */
const SLICE = 1_000;

/** Names of `counts`, of which the number of active sessions follows. */
const STARTED = 'sessions_started';
const ENDED = 'sessions_ended';

/** When the hour of a second began. */
export const hourOf = (second: number) => second - (second % 3600);

/** SQL: each event counts twice, for its hour and for all time. */
const TWICE = sql`json_each('[0,1]') as whole`;
const countedFor = (hour: SQL | number) => sql`iif(whole.value, 0, ${hour})`;

/** Adds one slice. Answers whether there is more. */
export async function countSlice(home: Home, now: number): Promise<boolean> {
  const { db } = home;
  const second = Math.floor(now / 1000);
  const untilThen = sql`(select ifnull((select expires_at from ${userSessions} where ${expiresIn(sql`${second}`)} order by expires_at limit 1 offset ${SLICE}), ${second}) from ${cleanupState})`;
  const { after } = await transact(home, () => ({
    before: db.update(cleanupState).set(withSums(sql`-1`)),
    events: add(db, EVENTS),
    expired: add(
      db,
      sql`select ${countedFor(hourOf(second))}, ${ENDED}, 'expired_absolute', count(*) from ${cleanupState} cross join ${TWICE} cross join ${userSessions} where ${expiresIn(untilThen)} and (revoked_at is null or revoked_at >= expires_at) and home is null group by 1`,
    ),
    after: db
      .update(cleanupState)
      .set({ ...withSums(sql`1`), countedSeq: UP_TO, countedUntil: untilThen })
      .returning({
        isMore: sql<number>`counted_until < ${second} or counted_seq < (select max(seq) from ${sessionEvents})`,
      }),
  }));
  return after[0]?.isMore === 1;
}

/** SQL: the session expires after what was counted last, and until this second. */
const expiresIn = (until: SQL) =>
  sql`expires_at > (select counted_until from ${cleanupState}) and expires_at <= ${until}`;

/**
 * SQL: the event up to which the log was counted. A log that was emptied since is counted from its
 * beginning (delete-events.ts).
 */
const PLACE = sql`(select iif(counted_seq > newest, 0, counted_seq) as after, newest from ${cleanupState}, (select ifnull(max(seq), 0) as newest from ${sessionEvents}))`;
const UP_TO = sql`(select min(after + ${SLICE}, newest) from ${PLACE})`;

/** SQL: `details`, which somebody may have written by hand. */
const DETAILS = sql`iif(json_valid(details), details, '{}')`;
/** A backend may have sent any text, which must not become a label. */
const COUNTRY = sql`(${DETAILS} ->> '$.context.country')`;
const { type: TYPE } = sessionEvents;
const IS_START = sql`${TYPE} = 'session_created'`;
const IS_END = sql`(${TYPE} in ('session_revoked', 'session_evicted') or ${TYPE} = 'reuse_detected' and ${DETAILS} ->> '$.once' is null)`;
/** A JSON object: the names that an event counts for, each with its label. */
const LABELS = sql`json_object('events', ${TYPE}, ${STARTED}, iif(${IS_START}, ifnull(client_id, ''), null), 'sessions_started_by_country', iif(${IS_START}, iif(${COUNTRY} glob '[A-Z][A-Z0-9]', ${COUNTRY}, ''), null), ${ENDED}, iif(${IS_END}, ifnull(${DETAILS} ->> '$.reason', ${TYPE}), null))`;
/** An event that came along from another home was counted there, as far as the cron had come. */
const EVENTS = sql`select ${countedFor(sql`created_at - created_at % 3600`)}, label.key, label.value, count(*) from ${PLACE} cross join ${sessionEvents} cross join json_each(${LABELS}) as label cross join ${TWICE} where seq > after and seq <= after + ${SLICE} and sequence is null and subject <> '' and not ${IS_AUDIT} and label.value is not null group by 1, 2, 3`;

const add = (db: Home['db'], rows: SQL) =>
  db
    .insert(counts)
    .select(rows)
    .onConflictDoUpdate({
      target: [counts.hour, counts.name, counts.label],
      set: { value: sql`${counts.value} + excluded.value` },
    });

/**
 * SQL: the columns that follow from the sums of all time. The former sums are subtracted before,
 * and the new ones added after.
 */
function withSums(sign: SQL) {
  const sumOf = (value: SQL) =>
    sql`${sign} * (select ifnull(sum(${value}), 0) from ${counts} where ${eq(counts.hour, 0)} and name in (${STARTED}, ${ENDED}))`;
  return {
    activeSessions: sql`active_sessions + ${sumOf(sql`iif(name = ${STARTED}, value, -value)`)}`,
    // A session that ends while no walk is under way is not met by the next one.
    walkEnded: sql`iif(idle_cursor = 0, 0, walk_ended + ${sumOf(sql`iif(name = ${ENDED}, value, 0)`)})`,
  };
}

/** The number of events, by the JSON text of their name and label. */
export type Tallied = ReadonlyMap<string, number>;

/**
 * Adds counts from memory (service/tally.ts). A connection that is lost may have it added twice:
 * these are estimates.
 */
export async function addTallied(home: Home, tallied: Tallied, now: number): Promise<void> {
  const second = Math.floor(now / 1000);
  const rows = JSON.stringify([...tallied].map(([key, value]) => [...JSON.parse(key), value]));
  await transact(home, () => ({
    added: add(
      home.db,
      sql`select ${countedFor(hourOf(second))}, one.value ->> 0, one.value ->> 1, one.value ->> 2 from json_each(${rows}) as one cross join ${TWICE} where true`,
    ),
  }));
}
