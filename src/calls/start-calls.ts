/**
 * A backend starts sessions: for people whom it has authenticated, for guests, and for support
 * staff who act as a user.
 */
import * as v from 'valibot';
import type { ClientCaller } from '../service/caller';
import { invalid, type Result } from '../service/refusal';
import type { Service } from '../service/service';
import { startSession } from '../service/start-session';
import { MAX_ACTOR_LENGTH } from '../sessions/actor';
import { type Call, type Called, defineCall } from './call';
import {
  authentication,
  browser,
  claims,
  grantParameters,
  ipAddress,
  issuedName,
  label,
  lifetime,
  metadata,
  place,
  toGrantParameters,
  userAgent,
  uuid,
} from './fields';
import { toHandedOffView, toStartView } from './views';

export const newSession = {
  user_id: v.optional(uuid),
  user: v.optional(issuedName),
  client_id: v.optional(v.pipe(v.string(), v.maxLength(128))),
  user_agent: v.nullish(userAgent),
  ip_address: v.nullish(ipAddress),
  place: v.nullish(place),
  expires_in: v.nullish(lifetime),
  ...authentication,
  claims: v.optional(claims),
  label: v.optional(label),
  metadata: v.optional(metadata),
  ...grantParameters,
  persistent: v.optional(v.boolean()),
  home: v.optional(v.string()),
  guest_session_id: v.optional(uuid),
};
/** The caller's key, and the request that a repeat must be equal to; null: none. */
export type Idempotency = { key: string; request: string } | null;

export function parseIdempotencyKey(key: unknown): Result<{ key: string | null }> {
  if (key === undefined) return { ok: true, key: null };
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return { ok: true, key };
  const detail = 'Idempotency-Key must be 1 to 255 printable ASCII characters';
  return invalid(detail);
}

/**
 * The input for a session of support staff: without an authentication, because nobody proved who
 * they are, and without a guest session.
 */
const {
  auth_time: _,
  amr: __,
  acr: ___,
  guest_session_id: ____,
  ...newSupport
} = {
  ...newSession,
  act: v.strictObject({
    sub: v.pipe(
      v.string(),
      v.regex(/^[!-~](?:[ -~]*[!-~])?$/, 'must be printable ASCII characters, no space at an end'),
      v.maxLength(MAX_ACTOR_LENGTH, `must be at most ${MAX_ACTOR_LENGTH} characters`),
    ),
  }),
  reason: v.pipe(
    v.string(),
    v.trim(),
    v.check((text) => text !== '' && text.length <= 200, 'must be 1 to 200 characters'),
  ),
};

/** Whether the input asks for a session of support staff, whatever else it is. */
const isOfSupport = (input: unknown) =>
  typeof input === 'object' && input !== null && Object.hasOwn(input, 'act');

/** The two inputs of a start: for a user, and for support staff. */
function inputsWith<More extends v.ObjectEntries>(more: More) {
  const ofUser = v.strictObject({ ...newSession, ...more });
  const ofSupport = v.strictObject({ ...newSupport, ...more });
  return { ofUser, ofSupport, either: v.union([ofUser, ofSupport]) };
}

export const withTokens = inputsWith({});
export const forBrowser = inputsWith({ browser });

/** A call that, for support staff, a capability of its own guards, and whose input is another. */
function eitherWay<
  OfUser extends v.GenericSchema,
  OfSupport extends v.GenericSchema,
  Value extends object,
>(
  inputs: { ofUser: OfUser; ofSupport: OfSupport; either: v.GenericSchema },
  run: (
    caller: ClientCaller,
    service: Service,
    input: v.InferOutput<OfUser> | v.InferOutput<OfSupport>,
  ) => Promise<Called<Value>>,
) {
  const byUser = defineCall('create_sessions', inputs.ofUser, run);
  const bySupport = defineCall('impersonate', inputs.ofSupport, run);
  const call: Call<Value> = (caller, service, input) =>
    (isOfSupport(input) ? bySupport : byUser)(caller, service, input);
  return Object.assign(call, { input: inputs.either });
}

/** A session whose tokens the app holds. */
export const create = (idempotency: Idempotency) =>
  eitherWay(withTokens, (caller, service, input) =>
    startWithTokens(caller, service, input, idempotency),
  );

/** A session that is handed to a browser: the answer holds a URL instead of tokens. */
export const handOff = (idempotency: Idempotency) =>
  eitherWay(forBrowser, (caller, service, input) =>
    startForBrowser(caller, service, input, idempotency),
  );

/** Starts a session with tokens, or one for a browser, as `browser` says. */
export const start =
  (idempotency: Idempotency): Call<StartedWithTokens | StartedForBrowser> =>
  (caller, service, input) => {
    const isForBrowser =
      typeof input === 'object' && input !== null && Object.hasOwn(input, 'browser');
    const call = isForBrowser ? handOff(idempotency) : create(idempotency);
    return (call as Call<StartedWithTokens | StartedForBrowser>)(caller, service, input);
  };

type NewSessionInput = v.InferOutput<v.StrictObjectSchema<typeof newSession, undefined>> & {
  act?: { sub: string };
  reason?: string;
};
type BrowserInput = NewSessionInput & { browser: { return_url: string } };
type StartedWithTokens = ReturnType<typeof toStartView>;
type StartedForBrowser = ReturnType<typeof toHandedOffView>;

async function startWithTokens(
  caller: ClientCaller,
  service: Service,
  input: NewSessionInput,
  idempotency: Idempotency,
): Promise<Called<StartedWithTokens>> {
  const started = await startSession(caller, service, toStartInput(input, null), idempotency);
  if (!started.ok) return started;
  const { session, tokens, isRepeat } = started;
  if (tokens === null) throw new Error('only a session for a browser has no tokens');
  const value = toStartView(session, tokens, service.config);
  return { ok: true, value, outcome: isRepeat ? 'repeated' : 'created' };
}

async function startForBrowser(
  caller: ClientCaller,
  service: Service,
  { browser, ...input }: BrowserInput,
  idempotency: Idempotency,
): Promise<Called<StartedForBrowser>> {
  const startInput = toStartInput(input, browser.return_url);
  const started = await startSession(caller, service, startInput, idempotency);
  if (!started.ok) return started;
  const { session, handOff, isRepeat } = started;
  if (handOff === null) throw new Error('a session for a browser has a start URL');
  const value = toHandedOffView(session, handOff, service.config);
  return { ok: true, value, outcome: isRepeat ? 'repeated' : 'created' };
}

export function toStartInput(input: NewSessionInput, returnUrl: string | null) {
  return {
    userId: input.user_id ?? null,
    userName: input.user ?? null,
    clientId: input.client_id ?? null,
    userAgent: input.user_agent ?? null,
    ipAddress: input.ip_address ?? null,
    place: input.place ?? null,
    expiresIn: input.expires_in,
    authTime: input.auth_time ?? null,
    amr: input.amr ?? null,
    acr: input.acr ?? null,
    claims: input.claims ?? null,
    label: input.label ?? null,
    metadata: input.metadata ?? null,
    grantParameters: toGrantParameters(input),
    persistent: input.persistent ?? null,
    act: input.act === undefined ? null : { sub: input.act.sub, reason: input.reason ?? '' },
    guestSessionId: input.guest_session_id ?? null,
    home: input.home ?? null,
    returnUrl,
  };
}
