/** The values of columns that a plain SQL INSERT leaves out. */
import { sql } from 'drizzle-orm';

/** A random UUID version 4 (RFC 9562 §5.4), made by SQLite. */
export const uuidV4 = sql`(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))`;

/** Now, in seconds since 1970, by SQLite. */
export const currentSecond = sql`(unixepoch())`;
