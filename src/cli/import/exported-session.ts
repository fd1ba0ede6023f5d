/** A session as the export of another system has it, and how its values are read. */
import { createHash, createHmac } from 'node:crypto';

/** A row of an export, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** Times in seconds since 1970; null: the export does not say. */
export interface ExportedSession {
  /** SHA-256, in base64url, of the token as its holder presents it. */
  tokenHash: string;
  /** The other system's id of the person. */
  user: string;
  signedInAt: number | null;
  /** null: never. */
  expiresAt: number | null;
  userAgent: string | null;
  ipAddress: string | null;
}

/** Why a row is no session that could go on. */
export interface Left {
  left: string;
}

export interface ReadOptions {
  /**
   * The secret that the other system signs its cookies with; null: the app presents the bare token.
   */
  secret: string | null;
  /** The path to the id of the person in a session's own data, like `passport.user`. */
  userPath: string;
  /** Seconds since 1970. */
  now: number;
}

/** The differences from one system to another. */
export interface OtherSystem {
  /** The table of its sessions, unless another one is named. */
  table: string;
  /** Whether its cookies are signed. */
  isSigned: boolean;
  read: (row: Row, options: ReadOptions) => ExportedSession | Left;
}

export const hashOf = (token: string) => createHash('sha256').update(token).digest('base64url');

export const signatureOf = (secret: string, text: string) =>
  createHmac('sha256', secret).update(text).digest('base64');

/** The columns of a row, each by the names that it has in one or another export. */
export function columnsOf(row: Row) {
  return {
    value: (...names: string[]) => column(row, ...names),
    text: (...names: string[]) => textIn(row, ...names),
    seconds: (...names: string[]) => secondsIn(row, ...names),
  };
}

export type Columns = ReturnType<typeof columnsOf>;

/** The first of these columns that is there: mappers spell one name in several ways. */
function column(row: Row, ...names: string[]): unknown {
  const name = names.find((one) => row[one] !== undefined && row[one] !== null);
  return name === undefined ? null : row[name];
}

/**
 * The text of a column; null: it has none, or an empty one. A number that is too large for
 * JavaScript is none either, because several such numbers become the same one, and so would the
 * people whose ids they are.
 */
function textIn(row: Row, ...names: string[]): string | null {
  const value = column(row, ...names);
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

/**
 * The session with when it ends, by the first of these columns. A row that does not say it, or not
 * in a form that is known, is of a session that may be over since long, so it is left.
 */
export function withEnd(
  session: Omit<ExportedSession, 'expiresAt'>,
  row: Row,
  ...names: string[]
): ExportedSession | Left {
  const expiresAt = secondsIn(row, ...names);
  return expiresAt === null ? { left: 'no_expiry' } : { ...session, expiresAt };
}

/** The end of a session of a system in which one without a time never ends. */
export function withEndIfAny(
  session: Omit<ExportedSession, 'expiresAt'>,
  row: Row,
  ...names: string[]
): ExportedSession | Left {
  return column(row, ...names) === null
    ? { ...session, expiresAt: null }
    : withEnd(session, row, ...names);
}

/** Later than any second that a session ends in: what is larger are milliseconds. */
const LAST_SECOND = 100_000_000_000;

/** Seconds since 1970, of a time in seconds, in milliseconds, or as ISO 8601; null: it is none. */
function secondsIn(row: Row, ...names: string[]): number | null {
  const value = column(row, ...names);
  if (typeof value === 'string' && !/^\d+$/.test(value)) {
    // PostgreSQL writes `2026-01-31 12:00:00+00`. A time without a zone is taken as UTC.
    const iso = value.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00');
    const time = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(iso) ? iso : `${iso}Z`);
    return Number.isNaN(time) ? null : Math.floor(time / 1000);
  }
  const number = value === null ? Number.NaN : Number(value);
  if (!Number.isFinite(number)) return null;
  return Math.floor(number > LAST_SECOND ? number / 1000 : number);
}
