/**
 * A backend starts sessions for people whom it has authenticated, and records that it did anew; it
 * sees and ends one by its id.
 */
import * as v from 'valibot';
import type { ClientCaller } from '../service/caller';
import { updateReached } from '../service/change-sessions';
import type { HandOff } from '../service/hand-off';
import { endReached, findReached } from '../service/reached-session';
import { type Result, refuse } from '../service/refusal';
import type { Service } from '../service/service';
import { startSession } from '../service/start-session';
import { handOffStepUp } from '../service/step-up-in-browser';
import { stepUp } from '../service/step-up-session';
import type { Session } from '../sessions/session';
import { type Called, defineCall } from './call';
import { change, toChangeInput } from './change-fields';
import {
  asked,
  claims,
  ipAddress,
  issuedName,
  label,
  lifetime,
  metadata,
  place,
  reason,
  seconds,
  toAsked,
  userAgent,
  uuid,
} from './fields';
import { toManagedView, toStartView } from './views';

const authentication = {
  auth_time: v.optional(seconds),
  amr: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(32))), v.maxLength(10)),
  ),
  acr: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
};

const newSession = {
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
  ...asked,
  persistent: v.optional(v.boolean()),
  home: v.optional(v.string()),
  guest_session_id: v.optional(uuid),
};
const browser = v.strictObject({ return_url: v.string() });

/** The caller's key, and the request that a repeat must be equal to; null: none. */
export type Idempotency = { key: string; request: string } | null;

export function parseIdempotencyKey(key: unknown): Result<{ key: string | null }> {
  if (key === undefined) return { ok: true, key: null };
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return { ok: true, key };
  const detail = 'Idempotency-Key must be 1 to 255 printable ASCII characters';
  return refuse({ code: 'invalid_request', detail });
}

/** A session whose tokens the app holds. */
export const create = (idempotency: Idempotency) =>
  defineCall('create_sessions', v.strictObject(newSession), (caller, service, input) =>
    startWithTokens(caller, service, input, idempotency),
  );

/** A session that is handed to a browser: the answer holds a URL instead of tokens. */
export const handOff = (idempotency: Idempotency) =>
  defineCall(
    'create_sessions',
    v.strictObject({ ...newSession, browser }),
    (caller, service, input) => startForBrowser(caller, service, input, idempotency),
  );

/** Either, as `browser` says. */
export const start = (idempotency: Idempotency) =>
  defineCall(
    'create_sessions',
    v.strictObject({ ...newSession, browser: v.optional(browser) }),
    async (
      caller,
      service,
      { browser, ...input },
    ): Promise<Called<StartedWithTokens | StartedForBrowser>> =>
      browser === undefined
        ? startWithTokens(caller, service, input, idempotency)
        : startForBrowser(caller, service, { ...input, browser }, idempotency),
  );

type NewSessionInput = v.InferOutput<v.StrictObjectSchema<typeof newSession, undefined>>;
type StartedWithTokens = ReturnType<typeof toStartView>;
interface StartedForBrowser {
  session: StartedWithTokens['session'];
  browser: { start_url: string; expires_in: number };
}

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
  { browser, ...input }: NewSessionInput & { browser: { return_url: string } },
  idempotency: Idempotency,
): Promise<Called<StartedForBrowser>> {
  const startInput = toStartInput(input, browser.return_url);
  const started = await startSession(caller, service, startInput, idempotency);
  if (!started.ok) return started;
  const { session, handOff, isRepeat } = started;
  if (handOff === null) throw new Error('a session for a browser has a start URL');
  const value = toHandedOffView(session, handOff, service);
  return { ok: true, value, outcome: isRepeat ? 'repeated' : 'created' };
}

function toStartInput(input: NewSessionInput, returnUrl: string | null) {
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
    asked: toAsked(input),
    persistent: input.persistent ?? null,
    guestSessionId: input.guest_session_id ?? null,
    home: input.home ?? null,
    returnUrl,
  };
}

const toHandedOffView = (
  session: Session,
  { startUrl, expiresIn }: HandOff,
  { config }: Service,
) => ({
  session: toManagedView(session, config),
  browser: { start_url: startUrl, expires_in: expiresIn },
});

const toStepUpInput = (input: {
  session_id: string;
  auth_time?: number | undefined;
  amr?: string[] | undefined;
  acr?: string | undefined;
}) => ({
  sessionId: input.session_id,
  authTime: input.auth_time ?? null,
  amr: input.amr ?? null,
  acr: input.acr ?? null,
});

/** Step-up: the backend has authenticated the person anew. */
export const authenticate = defineCall(
  'create_sessions',
  v.strictObject({ session_id: uuid, refresh_token: v.string(), ...authentication }),
  async (caller, service, input) => {
    const steppedUp = await stepUp(caller, service, {
      ...toStepUpInput(input),
      refreshToken: input.refresh_token,
    });
    if (!steppedUp.ok) return steppedUp;
    const value = toStartView(steppedUp.session, steppedUp.tokens, service.config);
    return { ok: true, value, outcome: 'authenticated' };
  },
);

/** Step-up of a session in a browser's cookies: by a URL for the browser. */
export const authenticateInBrowser = defineCall(
  'create_sessions',
  v.strictObject({ session_id: uuid, browser, ...authentication }),
  async (caller, service, input): Promise<Called<StartedForBrowser>> => {
    const handedOff = await handOffStepUp(caller, service, {
      ...toStepUpInput(input),
      returnUrl: input.browser.return_url,
    });
    if (!handedOff.ok) return handedOff;
    const { session, handOff } = handedOff;
    return { ok: true, value: toHandedOffView(session, handOff, service) };
  },
);

export const getSession = defineCall(
  'manage_users',
  v.strictObject({ session_id: uuid }),
  async (caller, service, { session_id: sessionId }) => {
    const found = await findReached(caller, service, sessionId);
    if (!found.ok) return found;
    return { ok: true, value: { session: toManagedView(found.session, service.config) } };
  },
);

/** Its claims are in access tokens from the next refresh on; `apply` makes that soon. */
export const updateSession = defineCall(
  'manage_users',
  v.strictObject({ session_id: uuid, ...change, label: v.nullish(label), reason }),
  async (caller, service, { session_id: sessionId, reason: given = null, ...input }) => {
    const updated = await updateReached(caller, service, sessionId, toChangeInput(input), given);
    if (!updated.ok) return updated;
    const value = { session: toManagedView(updated.session, service.config) };
    return { ok: true, value, outcome: 'updated' };
  },
);

export const revokeSession = defineCall(
  'manage_users',
  v.strictObject({ session_id: uuid, reason }),
  async (caller, service, { session_id: sessionId, reason: given = null }) => {
    const ended = await endReached(caller, service, sessionId, given);
    if (!ended.ok) return ended;
    const { isEnded } = ended;
    return {
      ok: true,
      value: { revoked: isEnded },
      outcome: isEnded ? 'revoked' : 'unchanged',
    };
  },
);
