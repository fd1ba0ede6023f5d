/**
 * Answers a call by a door that is not HTTP: RPC, or a function of an app that mounts the service.
 * The caller is the client that the door names; refusals and faults are values; the log line and
 * the webhooks are as for a request.
 */

import type { Answer, CallOptions } from '../client/rpc';
import { findClient } from '../config/refused-clients';
import { type Bookmarks, newAccess } from '../db/d1-access';
import { doAfterAnswer } from '../service/after-answer';
import type { Caller } from '../service/caller';
import { deviceOf } from '../service/caller-signals';
import { invalid, type Result } from '../service/refusal';
import type { Service } from '../service/service';
import type { Call, Called } from './call';
import { formatPerHome, parseBookmarks } from './cursors';
import { toFault } from './fault';
import { jsonObject, staff } from './fields';
import { MAX_INPUT_BYTES, parseInput, parseJsonInput } from './parse';
import { type Refused, toFaultRefused, toRefused } from './refused';

export interface Door {
  /** The name of the door in the log. */
  name: 'rpc' | 'function';
  /** Throws `ConfigError`. */
  service: () => Service;
  /** The client that calls. What a binding's `props` hold may be anything. */
  clientId: unknown;
  waitUntil: (work: Promise<unknown>) => void;
}

/** A call by its name, and what it is given, which by RPC may be anything. */
export interface CallRequest<Value> {
  name: string;
  call: Call<Value>;
  input: unknown;
  options: CallOptions | null | undefined;
}

/** Never throws. */
export async function answer<Value>(
  door: Door,
  request: CallRequest<Value>,
): Promise<Answer<Value>> {
  // Filled with what `options` bring, and moved on by what the call sees and does.
  const bookmarks: Bookmarks = new Map();
  const caller: Caller = {
    requestId: crypto.randomUUID(),
    ...newAccess(bookmarks),
    // The Worker that calls is nobody's device; a call's input describes the person's.
    device: deviceOf({}),
    written: [],
    staff: {},
  };
  const started = Date.now();
  const done = await run(door, caller, request).catch(
    (error): Done<Value> => ({
      isFault: true,
      refused: toFaultRefused(toFault(error, caller.requestId)),
    }),
  );
  logRequest(door, caller, { route: request.name, done, durationMs: Date.now() - started });
  const bookmark = formatPerHome(bookmarks);
  const about = {
    request_id: caller.requestId,
    bookmark: bookmark === '' || bookmark === request.options?.bookmark ? null : bookmark,
  };
  return 'value' in done
    ? { ok: true, value: done.value, ...about }
    : { ok: false, ...done.refused, ...about };
}

type Done<Value> = { clientId?: string; outcome?: string | undefined } & (
  | { value: Value }
  | { refused: Refused; isFault: boolean }
);

async function run<Value>(
  door: Door,
  caller: Caller,
  request: CallRequest<Value>,
): Promise<Done<Value>> {
  const service = door.service();
  const done = await runAt(service, door, caller, request);
  if ('refused' in done)
    service.tally.count('refusals', done.outcome ?? done.refused.code, done.clientId);
  doAfterAnswer(caller, service, door.waitUntil);
  return done;
}

async function runAt<Value>(
  service: Service,
  door: Door,
  caller: Caller,
  request: CallRequest<Value>,
): Promise<Done<Value>> {
  const client =
    typeof door.clientId === 'string' ? findClient(service.config, door.clientId) : undefined;
  // A binding without props, or whose props name no client, may do nothing.
  if (client === undefined)
    return {
      isFault: false,
      refused: { code: 'invalid_client', detail: 'props.clientId names no client of CLIENTS' },
    };
  try {
    const read = readInput(request.input);
    const refused = takeOptions(caller, service, request.options);
    const called: Called<Value> = !read.ok
      ? read
      : (refused ?? (await request.call({ ...caller, client }, service, read.input)));
    if (called.ok) return { clientId: client.id, value: called.value, outcome: called.outcome };
    const outcome = 'outcome' in called.refusal ? called.refusal.outcome : called.refusal.code;
    return { clientId: client.id, isFault: false, refused: toRefused(called.refusal), outcome };
  } catch (error) {
    const refused = toFaultRefused(toFault(error, caller.requestId));
    return { clientId: client.id, isFault: true, refused };
  }
}

/** Reads an input as JSON, because RPC can also carry values that no call knows. */
function readInput(input: unknown): Result<{ input: unknown }> {
  const text = toJson(input ?? {});
  if (text === null) return invalid('The input is no JSON value');
  if (new TextEncoder().encode(text).length > MAX_INPUT_BYTES)
    return invalid(`The input must be at most ${MAX_INPUT_BYTES} bytes of JSON`);
  const parsed = parseJsonInput(text);
  if (parsed === null) return invalid('A text in the input has a NUL or a lone surrogate');
  return parseInput(jsonObject, parsed.json);
}

/** null: it has a circle, or a value that JSON has not. */
function toJson(value: unknown): string | null {
  try {
    return JSON.stringify(value, keepJson);
  } catch {
    return null;
  }
}

const JSON_KINDS = / (Object|Array|String|Number|Boolean|Null|Undefined)\]/;

/**
 * JSON would write null for NaN, which is no limit where there should be one, and leave a function
 * or what is in a Map out, and with it a user who would then be a guest. So they are refused.
 */
function keepJson(_: string, value: unknown): unknown {
  const kind = Object.prototype.toString.call(value);
  if (!JSON_KINDS.test(kind) || (typeof value === 'number' && !Number.isFinite(value)))
    throw new TypeError();
  return value;
}

/**
 * Reads the options of a call: which member of the client's staff asks, and what was seen of each
 * home.
 */
function takeOptions(caller: Caller, service: Service, options: CallRequest<unknown>['options']) {
  const asks = parseInput(staff, options ?? {});
  if (!asks.ok) return asks;
  const { operator, note } = asks.input;
  caller.staff = { ...(operator && { operator }), ...(note && { why: note }) };
  return takeBookmark(caller.bookmarks, service, options?.bookmark);
}

/** Sets what `bookmark` says of the homes that there are. */
function takeBookmark(bookmarks: Bookmarks, { config }: Service, bookmark: unknown) {
  if (bookmark == null) return null;
  const given = typeof bookmark === 'string' ? parseBookmarks(bookmark) : null;
  if (given === null) return invalid('bookmark is not one that this service gave');
  for (const [home, seen] of given) if (config.homes.has(home)) bookmarks.set(home, seen);
  return null;
}

/** The line of a request, which names the call where HTTP names the route. */
function logRequest(
  door: Door,
  { requestId, usage }: Caller,
  { route, done, durationMs }: { route: string; done: Done<unknown>; durationMs: number },
): void {
  console.log(
    JSON.stringify({
      level: 'isFault' in done && done.isFault ? 'error' : 'info',
      event: 'request',
      request_id: requestId,
      method: door.name,
      route,
      client_id: done.clientId,
      outcome: done.outcome ?? ('refused' in done ? done.refused.code : undefined),
      d1_round_trips: usage.roundTrips,
      d1_rows_read: usage.rowsRead,
      d1_rows_written: usage.rowsWritten,
      d1_ms: usage.durationMs,
      duration_ms: durationMs,
    }),
  );
}
