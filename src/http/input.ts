/** Reading what callers send: strictly, with a clear error, and before any database is asked. */
import * as v from 'valibot';
import { jsonObject } from '../calls/fields';
import { parseInput, parseJsonInput } from '../calls/parse';
import { parseIdempotencyKey } from '../calls/start-calls';
import { findRepeatedMember } from '../repeated-member';
import type { AppContext } from './context';
import { OAuthError, ProblemError } from './errors';
import { toProblemError } from './refusals';

/**
 * A form of RFC 6749 §3.2: urlencoded body, no parameter twice, nothing in the URL, where it would
 * be logged. Empty parameters count as absent. The parameters of `repeatable`, which are URIs, may
 * be there several times (RFC 8707 §2); their values are given as one text, separated by spaces,
 * which no URI has. Hono's `parseBody` takes the last of two, and multipart forms too.
 */
export async function readForm(
  c: AppContext,
  repeatable: readonly string[] = [],
): Promise<Map<string, string>> {
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
    const before = form.get(name);
    if (before !== undefined && !repeatable.includes(name))
      throw new OAuthError('invalid_request', 'A parameter is there more than once');
    form.set(name, before ? `${before} ${value}` : value);
  }
  for (const [name, value] of form) if (value === '') form.delete(name);
  return form;
}

/** A field of a page's own form, whose address may say the language; '' where there is none. */
export async function readField(c: AppContext, name: string): Promise<string> {
  return new URLSearchParams(await readText(c)).get(name)?.trim() ?? '';
}

/** A JSON body of this schema, and its text. Throws a problem that names every field at fault. */
export async function readJson<T extends v.GenericSchema>(
  c: AppContext,
  schema: T,
): Promise<{ input: v.InferOutput<T>; text: string }> {
  if (mediaType(c) !== 'application/json')
    throw new ProblemError('unsupported_media_type', 'The content type must be application/json');
  const text = await readText(c);
  const parsed = parseJsonInput(text);
  if (parsed === null)
    throw new ProblemError(
      'invalid_request',
      'The body is not valid JSON, or a text in it has a NUL or a lone surrogate',
    );
  if (findRepeatedMember(text) !== null)
    throw new ProblemError('invalid_request', 'A member is there more than once');
  return { input: validate(schema, validate(jsonObject, parsed.json)), text };
}

export function readIdempotencyKey(c: AppContext): string | null {
  const parsed = parseIdempotencyKey(c.req.header('idempotency-key'));
  if (!parsed.ok) throw toProblemError(parsed.refusal);
  return parsed.key;
}

/** The members of a JSON object, of which a call says which it knows. */
export async function readMembers(c: AppContext): Promise<Record<string, unknown>> {
  return (await readJson(c, jsonObject)).input;
}

/** Members that a call takes from elsewhere, like the path: the body must not name them too. */
type Elsewhere = Readonly<Record<string, unknown>>;

export async function readMembersOf(
  c: AppContext,
  path: Elsewhere,
): Promise<Record<string, unknown>> {
  return join(await readMembers(c), path);
}

/** The same where there need be no body. */
export async function readOptionalMembersOf(
  c: AppContext,
  headers: Elsewhere,
): Promise<Record<string, unknown>> {
  return join(await readOptionalJson(c, jsonObject), headers);
}

function join(members: Record<string, unknown>, elsewhere: Elsewhere): Record<string, unknown> {
  const twice = Object.keys(elsewhere).find((name) => Object.hasOwn(members, name));
  if (twice !== undefined)
    throw new ProblemError('invalid_request', `${twice} is not a known field`);
  return { ...members, ...elsewhere };
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

/** Validates what a caller sent. Throws a problem that names every field at fault. */
export function validate<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const parsed = parseInput(schema, value);
  if (!parsed.ok) throw toProblemError(parsed.refusal);
  return parsed.input;
}

/** The query of a list as a call's input: `limit` and `cursor`, and `other` parameters. */
export function readListQuery(
  c: AppContext,
  other: readonly string[] = [],
): Record<string, string | number | undefined> {
  const { limit, ...query } = readQuery(c, ['limit', 'cursor', ...other]);
  return limit === undefined ? query : { ...query, limit: parseLimit(limit) };
}

/** A query in which these parameters are numbers; what is none stays as it is, to be refused. */
export function withNumbers(
  query: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  const toNumber = ([name, value]: [string, unknown]) =>
    names.includes(name) && /^\d{1,12}$/.test(`${value}`) ? [name, Number(value)] : [name, value];
  return Object.fromEntries(Object.entries(query).map(toNumber));
}

function parseLimit(limit: string): number {
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > 100)
    throw new ProblemError('invalid_request', 'limit must be a whole number from 1 to 100');
  return Number(limit);
}

/**
 * The query of a page for people. Links to it pass through mails, chats and trackers, which add
 * parameters of their own; those are ignored.
 */
export function readPageQuery(
  c: AppContext,
  known: readonly string[],
): Record<string, string | undefined> {
  return readKnown(c, known, () => {});
}

/**
 * A query in which each parameter is known, there once, and not empty: where a caller's variable
 * was empty, what it was to narrow would be everything.
 */
export function readQuery(
  c: AppContext,
  known: readonly string[],
): Record<string, string | undefined> {
  return readKnown(c, known, () => {
    throw new ProblemError('invalid_request', 'The query has an unknown parameter');
  });
}

function readKnown(
  c: AppContext,
  known: readonly string[],
  onUnknown: () => void,
): Record<string, string | undefined> {
  const query: Record<string, string | undefined> = {};
  for (const [name, value] of new URL(c.req.url).searchParams) {
    if (!known.includes(name)) {
      onUnknown();
      continue;
    }
    if (query[name] !== undefined)
      throw new ProblemError('invalid_request', 'A parameter is there more than once');
    if (value === '') throw new ProblemError('invalid_request', `${name} is empty`);
    query[name] = value;
  }
  return query;
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
