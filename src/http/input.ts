/** Reading what callers send: strictly, with a clear error, and before any database is asked. */
import * as v from 'valibot';
import { findRepeatedMember } from '../repeated-member';
import { MAX_USER_AGENT_LENGTH } from '../risk/user-agent';
import { ACT_REASONS, type ActReason } from '../security-log/audit';
import type { EventPositions, EventQuery } from '../security-log/read-events';
import type { Page } from '../sessions/list';
import type { Position } from '../sessions/open';
import type { AppContext } from './context';
import { OAuthError, ProblemError } from './errors';

export const MAX_BODY_BYTES = 16 * 1024;

export const uuid = v.pipe(v.string(), v.uuid('must be a UUID'), v.toLowerCase());

/**
 * Of an end user, as a server tells it. A long user agent is the visitor's doing, not the server's
 * mistake: what is over the limit is cut off.
 */
export const userAgent = v.pipe(
  v.string(),
  v.transform((text) => text.slice(0, MAX_USER_AGENT_LENGTH).toWellFormed()),
);
export const ipAddress = v.pipe(v.string(), v.ip('must be an IPv4 or IPv6 address'));

/** Why a client acts, for the audit log. */
export const actReason = v.optional(v.picklist(ACT_REASONS, `can be ${ACT_REASONS.join(', ')}`));

/**
 * A JSON object as it was sent. Valibot's object schemas also take arrays, and drop keys like
 * `__proto__` unseen.
 */
export const jsonObject = v.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
);

/**
 * A form of RFC 6749 §3.2: urlencoded body, no parameter twice, nothing in the URL, where it would
 * be logged. Empty parameters count as absent.
 */
export async function readForm(c: AppContext): Promise<Map<string, string>> {
  if (mediaType(c) !== 'application/x-www-form-urlencoded') {
    throw new OAuthError(
      'invalid_request',
      'The content type must be application/x-www-form-urlencoded',
    );
  }
  if (new URL(c.req.url).search !== '')
    throw new OAuthError('invalid_request', 'Parameters belong in the body, not in the URL');
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(await readText(c))) {
    if (form.has(name))
      throw new OAuthError('invalid_request', 'A parameter is there more than once');
    form.set(name, value);
  }
  for (const [name, value] of form) if (value === '') form.delete(name);
  return form;
}

/** A JSON body of this schema, and its text. Throws a problem that names every field at fault. */
export async function readJson<T extends v.GenericSchema>(
  c: AppContext,
  schema: T,
): Promise<{ input: v.InferOutput<T>; text: string }> {
  if (mediaType(c) !== 'application/json')
    throw new ProblemError('unsupported_media_type', 'The content type must be application/json');
  const text = await readText(c);
  let json: unknown;
  try {
    json = JSON.parse(text, (key, value) => {
      if (!isCleanText(key) || (typeof value === 'string' && !isCleanText(value)))
        throw new SyntaxError();
      return value;
    });
  } catch {
    throw new ProblemError(
      'invalid_request',
      'The body is not valid JSON, or a text in it has a NUL or a lone surrogate',
    );
  }
  if (findRepeatedMember(text) !== null)
    throw new ProblemError('invalid_request', 'A member is there more than once');
  validate(jsonObject, json);
  return { input: validate(schema, json), text };
}

/** A JSON body of this schema, all of whose members are optional; or none at all. */
export async function readOptionalJson<T extends v.GenericSchema>(
  c: AppContext,
  schema: T,
): Promise<v.InferOutput<T>> {
  const { length } = await readText(c);
  return length > 0 ? (await readJson(c, schema)).input : validate(schema, {});
}

/** A body that says nothing: none at all, or an empty JSON object. */
export async function readNothing(c: AppContext): Promise<void> {
  await readOptionalJson(c, v.strictObject({}));
}

/** Validates what came in a path or a query. */
export function validate<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const errors = parsed.issues.map((issue) => ({
    field: toFieldName(v.getDotPath(issue)),
    message: explain(issue),
  }));
  throw new ProblemError('invalid_request', {
    detail: errors.map(({ field, message }) => `${field} ${message}`.trim()).join('; '),
    members: { errors },
  });
}

/**
 * A field's name, unless it is so odd that it may be a value in the wrong place, which an answer
 * must not repeat.
 */
function toFieldName(path: string | null): string {
  return path !== null && /^[\w.-]{1,40}$/.test(path) ? path : '';
}

function explain(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object')
    return issue.expected === 'never' ? 'is not a known field' : 'must be an object';
  return issue.kind === 'schema' && issue.message.startsWith('Invalid')
    ? `must be of type ${issue.expected}`
    : issue.message;
}

/** `limit` and `cursor` of a list, which may have `other` parameters too. */
export function readPage(c: AppContext, other: readonly string[] = []): Page {
  const { limit, cursor } = readQuery(c, ['limit', 'cursor', ...other]);
  return { limit: parseLimit(limit), after: cursor === undefined ? null : parseCursor(cursor) };
}

/** `limit` and `cursor` of a list of events. */
export function readEventQuery(c: AppContext): EventQuery {
  const { limit, cursor } = readQuery(c, ['limit', 'cursor']);
  return { limit: parseLimit(limit), before: parseSequence(cursor) };
}

/** The cursor of a list that is in the order of writing; null where there is none. */
export function parseSequence(cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  if (!/^[1-9]\d{0,14}$/.test(cursor)) throw foreignCursor();
  return Number(cursor);
}

/** The cursor of a list of events of several homes: where it goes on in each. */
export function parseEventCursor(cursor: string | undefined): EventPositions {
  if (cursor === undefined) return new Map();
  const positions = parsePerHome(cursor, /^[1-9]\d{0,14}$/);
  if (positions === null) throw foreignCursor();
  return new Map([...positions].map(([home, position]) => [home, Number(position)]));
}

/**
 * Something of each home: `<home>.<value>`, with `~` between them. null when it is not that, or a
 * value not of this form.
 */
export function parsePerHome(text: string, form: RegExp): Map<string, string> | null {
  const values = new Map<string, string>();
  for (const part of text.split('~')) {
    const [, home, value] = /^(DB\w{0,33})\.(.+)$/.exec(part) ?? [];
    if (home === undefined || value === undefined || !form.test(value)) return null;
    values.set(home, value);
  }
  return values;
}

export function formatPerHome(values: ReadonlyMap<string, string | number>): string {
  return [...values].map(([home, value]) => `${home}.${value}`).join('~');
}

export function parseLimit(limit = '50'): number {
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > 100)
    throw new ProblemError('invalid_request', 'limit must be a whole number from 1 to 100');
  return Number(limit);
}

/**
 * A query in which each parameter is known, there once, and not empty: where a caller's variable was
 * empty, what it was to narrow would be everything.
 */
export function readQuery(
  c: AppContext,
  known: readonly string[],
): Record<string, string | undefined> {
  const query: Record<string, string | undefined> = {};
  for (const [name, value] of new URL(c.req.url).searchParams) {
    if (!known.includes(name))
      throw new ProblemError('invalid_request', 'The query has an unknown parameter');
    if (query[name] !== undefined)
      throw new ProblemError('invalid_request', 'A parameter is there more than once');
    if (value === '') throw new ProblemError('invalid_request', `${name} is empty`);
    query[name] = value;
  }
  return query;
}

/** `reason` of a query that may have `other` parameters too. */
export function readReason(c: AppContext, other: readonly string[] = []): ActReason | null {
  const { reason } = readQuery(c, ['reason', ...other]);
  return validate(v.object({ reason: actReason }), { reason }).reason ?? null;
}

export function formatCursor({ createdAt, id }: Position): string {
  return `${createdAt.getTime() / 1000}_${id}`;
}

function parseCursor(cursor: string): Position {
  const [, seconds, id] = /^(\d{1,11})_([0-9A-Za-z-]{1,64})$/.exec(cursor) ?? [];
  if (seconds === undefined || id === undefined) throw foreignCursor();
  return { createdAt: new Date(Number(seconds) * 1000), id };
}

export function foreignCursor(): ProblemError {
  return new ProblemError('invalid_request', 'cursor is not one that this service gave');
}

export function mediaType(c: AppContext): string {
  return (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

async function readText(c: AppContext): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(
      await c.req.arrayBuffer(),
    );
  } catch (error) {
    if (error instanceof TypeError)
      throw new ProblemError('invalid_request', 'The body is not valid UTF-8');
    throw error;
  }
}

function isCleanText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
