/** Sessions: backends start them; users see and end their own. */
import { Hono } from 'hono';
import * as v from 'valibot';
import { CLOCK_SKEW_SECONDS, type Config } from '../../config/config';
import type { Keyring } from '../../crypto';
import { toStoredAddress } from '../../risk/address';
import { toSignals } from '../../risk/signals';
import { MAX_USER_AGENT_LENGTH } from '../../risk/user-agent';
import { type AuthenticateResult, authenticateSession } from '../../sessions/authenticate';
import { createSession, type NewSession, toKeyHash } from '../../sessions/create';
import { listOwnSessions } from '../../sessions/list';
import { findSession } from '../../sessions/read';
import { type RevokeResult, revokeCurrent, revokeOne, revokeOthers } from '../../sessions/revoke';
import { checkSession } from '../../sessions/session';
import { RESERVED_CLAIMS } from '../../tokens/access-token';
import { verifyRefreshToken } from '../../tokens/refresh-token';
import { bearerAuth } from '../auth/bearer-auth';
import { clientAuth } from '../auth/client-auth';
import type { AppContext, AppEnv } from '../context';
import { ProblemError, sessionEnded } from '../errors';
import { assertCanHandOff, handOff } from '../handoff';
import { whereCallerIs, whereSessionIs } from '../homes';
import { formatCursor, jsonObject, readJson, readPage, uuid, validate } from '../input';
import { startWhereItBelongs } from '../placement';
import { authenticationTooOld } from '../recent-authentication';
import { logEvents, reportingOf, revocationOf } from '../reporting';
import type { Service } from '../service';
import { issueTokens, toSessionView } from '../views';

const MAX_CLAIMS_BYTES = 2048;

const authTime = v.pipe(
  v.number(),
  v.integer('must be whole seconds since 1970'),
  v.minValue(0, 'must not be negative'),
);
const amr = v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(32))), v.maxLength(10));
const acr = v.pipe(v.string(), v.minLength(1), v.maxLength(128));

const authenticationSchema = v.strictObject({
  refresh_token: v.string(),
  auth_time: v.optional(authTime),
  amr: v.optional(amr),
  acr: v.optional(acr),
});

const newSessionSchema = v.strictObject({
  user_id: v.optional(uuid),
  client_id: v.optional(v.pipe(v.string(), v.maxLength(128))),
  // A long user agent is the visitor's doing, not the backend's mistake: what is over the limit is
  // cut off.
  user_agent: v.nullish(
    v.pipe(
      v.string(),
      v.transform((text) => text.slice(0, MAX_USER_AGENT_LENGTH).toWellFormed()),
    ),
  ),
  ip_address: v.nullish(v.pipe(v.string(), v.ip('must be an IPv4 or IPv6 address'))),
  expires_in: v.nullish(
    v.pipe(
      v.number(),
      v.integer('must be a whole number of seconds'),
      v.minValue(1, 'must be at least 1'),
    ),
  ),
  auth_time: v.optional(authTime),
  amr: v.optional(amr),
  acr: v.optional(acr),
  claims: v.optional(
    v.pipe(
      jsonObject,
      v.check(
        (claims) => !Object.keys(claims).some((name) => RESERVED_CLAIMS.has(name)),
        'must not shadow a registered claim',
      ),
      v.check(
        (claims) => new TextEncoder().encode(JSON.stringify(claims)).length <= MAX_CLAIMS_BYTES,
        `must be at most ${MAX_CLAIMS_BYTES} bytes of JSON`,
      ),
    ),
  ),
  home: v.optional(v.string()),
  guest_session_id: v.optional(uuid),
  browser: v.optional(v.strictObject({ return_url: v.string() })),
});

export function sessionRoutes(service: Service): Hono<AppEnv> {
  const { config, now } = service;
  const policy = config.sessions;
  const routes = new Hono<AppEnv>();
  const user = bearerAuth(service);

  routes.post('/', clientAuth(config, 'create_sessions'), async (c) => {
    const caller = c.get('client');
    const { input, text } = await readJson(c, newSessionSchema);
    const moment = now();
    const keyring = await service.keyring();
    const session = await toNewSession(input, {
      callerId: caller.id,
      config,
      keyring,
      now: moment,
    });
    const returnUrl = input.browser?.return_url;
    const key = readIdempotencyKey(c);
    const idempotency = key === null ? null : { clientId: caller.id, key, request: text };
    const who = {
      user: session.userId === null ? null : { id: session.userId },
      guestSessionId: session.guestSessionId,
      keyHash: idempotency && (await toKeyHash(idempotency)),
    };
    const { home, result } = await startWhereItBelongs(
      c,
      service,
      who,
      { named: input.home ?? null, newUserId: session.userId },
      async (home) => {
        // What the answer needs comes first, so that no session is started whose tokens cannot be
        // given.
        await service.keySet(home);
        if (returnUrl !== undefined) await assertCanHandOff(service, home, session, returnUrl);
        return createSession(home, keyring, policy, session, {
          now: moment,
          idempotency,
          reporting: reportingOf(c, config),
        });
      },
    );
    if (!result.ok) throw new ProblemError(result.reason);
    c.set('outcome', result.isRepeat ? 'repeated' : 'created');
    const view = toSessionView(result.session, config);
    const headers = { Location: `${config.issuer}/v1/sessions/${view.id}` };
    if (returnUrl !== undefined) {
      const browser = await handOff(service, home, result, {
        clientId: session.clientId,
        returnUrl,
      });
      return c.json({ session: view, browser }, 201, headers);
    }
    const { access_token, token_type, expires_in, refresh_token, refresh_at } = await issueTokens(
      service,
      home,
      result.session,
      result.secret,
    );
    return c.json(
      { session: view, access_token, token_type, expires_in, refresh_token, refresh_at },
      201,
      headers,
    );
  });

  /** Step-up: the backend has authenticated the person anew. */
  routes.post('/:id/authentication', clientAuth(config, 'create_sessions'), async (c) => {
    const { id } = validate(v.strictObject({ id: uuid }), { id: c.req.param('id') });
    const { input } = await readJson(c, authenticationSchema);
    const moment = now();
    const authentication = {
      authTime: toAuthTime(input.auth_time, moment),
      amr: input.amr ?? null,
      acr: input.acr ?? null,
    };
    const keyring = await service.keyring();
    const verdict = await verifyRefreshToken(keyring, input.refresh_token, moment);
    const home = verdict.ok ? service.findHome(verdict.token.home, c.get('meter')) : null;
    // A token that is not authentic, or not of this session, tells nothing of either.
    if (!verdict.ok || home === null || verdict.token.sessionId !== id)
      throw new ProblemError('not_found', 'There is no such session');
    await service.keySet(home);
    const { token } = verdict;
    const request = {
      clientId: c.get('client').id,
      reporting: reportingOf(c, config),
      now: moment,
    };
    const { home: at, result } = await whereSessionIs(
      c,
      service,
      { home, sessionId: id },
      (place) => authenticateSession(place, keyring, policy, token, authentication, request),
      (found) => !found.ok,
    );
    if (!result.ok) throw toAuthenticationProblem(result.reason);
    logEvents(c, at, result.events);
    c.set('outcome', 'authenticated');
    const view = toSessionView(result.session, config);
    const tokens = await issueTokens(service, at, result.session, result.secret);
    const { access_token, token_type, expires_in, refresh_token, refresh_at } = tokens;
    return c.json({
      session: view,
      access_token,
      token_type,
      expires_in,
      refresh_token,
      refresh_at,
    });
  });

  routes.get('/', user, async (c) => {
    const page = readPage(c);
    const caller = c.get('accessToken');
    const { result: found } = await whereCallerIs(
      c,
      service,
      (home) =>
        listOwnSessions({ home, replica: service.replicaOf(home) }, policy, caller, page, now()),
      (result) => result === null,
    );
    if (found === null) throw sessionEnded();
    return c.json({
      sessions: found.sessions.map((session) => toSessionView(session, config, caller.sessionId)),
      next_cursor: found.next && formatCursor(found.next),
    });
  });

  routes.get('/current', user, async (c) => {
    const caller = c.get('accessToken');
    const { result: session } = await whereCallerIs(
      c,
      service,
      (home) => findSession(home, caller.sessionId),
      (found) => found?.home != null,
    );
    if (session === null || checkSession(session, policy, now()) !== null) throw sessionEnded();
    return c.json({ session: toSessionView(session, config, caller.sessionId) });
  });

  routes.delete('/current', user, async (c) => {
    await endCurrent(c);
    return c.body(null, 204);
  });

  routes.post('/revoke-others', user, async (c) => {
    const { home, result } = await whereCallerIs(
      c,
      service,
      (home) => revokeOthers(home, c.get('accessToken'), revocationOf(c, service)),
      (found) => !found.ok,
    );
    if (!result.ok) throw toRevokeProblem(result.reason);
    logEvents(c, home, result.events);
    return c.json({ revoked: result.events.length });
  });

  routes.delete('/:id', user, async (c) => {
    const { id } = validate(v.strictObject({ id: uuid }), { id: c.req.param('id') });
    const caller = c.get('accessToken');
    // Ending one's own session twice is no error, although the second time there is none to act
    // from.
    if (id === caller.sessionId) await endCurrent(c);
    else {
      const { home, result } = await whereCallerIs(
        c,
        service,
        (home) => revokeOne(home, caller, id, revocationOf(c, service)),
        (found) => !found.ok,
      );
      if (!result.ok) throw toRevokeProblem(result.reason);
      logEvents(c, home, result.events);
    }
    return c.body(null, 204);
  });

  return routes;

  function toRevokeProblem(reason: Extract<RevokeResult, { ok: false }>['reason']): ProblemError {
    switch (reason) {
      case 'not_found':
        return new ProblemError('not_found', 'There is no such session');
      case 'authentication_too_old':
        return authenticationTooOld(config);
      case 'caller_session_ended':
        return sessionEnded();
    }
  }

  async function endCurrent(c: AppContext): Promise<void> {
    const { home, result } = await whereCallerIs(
      c,
      service,
      (home) => revokeCurrent(home, c.get('accessToken'), revocationOf(c, service)),
      (events) => events.length === 0,
    );
    logEvents(c, home, result);
  }
}

function toAuthenticationProblem(
  reason: Extract<AuthenticateResult, { ok: false }>['reason'],
): ProblemError {
  switch (reason) {
    case 'unknown_session':
      return new ProblemError('not_found', 'There is no such session');
    case 'superseded':
      return new ProblemError('refresh_token_superseded');
    case 'older_authentication':
      return new ProblemError(
        'invalid_request',
        'auth_time is before the last authentication that is known',
      );
    default:
      return new ProblemError('session_over', undefined, {}, { reason });
  }
}

async function toNewSession(
  input: v.InferOutput<typeof newSessionSchema>,
  {
    callerId,
    config,
    keyring,
    now,
  }: { callerId: string; config: Config; keyring: Keyring; now: number },
): Promise<NewSession> {
  const clientId = input.client_id ?? callerId;
  if (!config.clients.has(clientId))
    throw new ProblemError('invalid_request', 'client_id is not a client of this service');
  const authenticated = toAuthTime(input.auth_time, now);
  if (input.guest_session_id !== undefined && input.user_id === undefined) {
    throw new ProblemError(
      'invalid_request',
      'guest_session_id needs the user_id of the user that the guest became',
    );
  }
  const userId = input.user_id ?? null;
  const stored = await toStoredAddress(
    input.ip_address ?? null,
    config.risk.addressStorage,
    keyring,
  );
  return {
    userId,
    clientId,
    startedBy: { by: 'client', clientId: callerId },
    userAgent: input.user_agent ?? null,
    ipAddress: stored.address,
    // Where the backend is tells nothing of where its user is.
    signals: toSignals(
      { userAgent: input.user_agent ?? null, hintedPlatform: null, cf: null },
      stored,
    ),
    expiresAt: toExpiry(input.expires_in, config, now),
    // The backend calls when it has authenticated the user; nobody authenticated a guest.
    authTime: userId === null && input.auth_time === undefined ? null : authenticated,
    amr: input.amr ?? null,
    acr: input.acr ?? null,
    claims: input.claims ?? null,
    guestSessionId: input.guest_session_id ?? null,
  };
}

/** Seconds since 1970; unless given, now. */
function toAuthTime(seconds: number | undefined, now: number): Date {
  if (seconds === undefined) return new Date(Math.floor(now / 1000) * 1000);
  if (seconds > now / 1000 + CLOCK_SKEW_SECONDS)
    throw new ProblemError('invalid_request', 'auth_time is in the future');
  return new Date(seconds * 1000);
}

function toExpiry(expiresIn: number | null | undefined, config: Config, now: number): Date | null {
  const limit = config.sessions.lifetimeSeconds;
  if (expiresIn === null && limit !== null)
    throw new ProblemError(
      'invalid_request',
      'expires_in cannot be null: sessions of this service end by time',
    );
  if (limit !== null && expiresIn !== null && expiresIn !== undefined && expiresIn > limit) {
    throw new ProblemError('invalid_request', `expires_in must be at most ${limit}`);
  }
  const seconds = expiresIn === undefined ? limit : expiresIn;
  const end = seconds === null ? null : new Date((Math.floor(now / 1000) + seconds) * 1000);
  if (end !== null && Number.isNaN(end.getTime()))
    throw new ProblemError('invalid_request', 'expires_in is too large');
  return end;
}

function readIdempotencyKey(c: AppContext): string | null {
  const key = c.req.header('idempotency-key');
  if (key === undefined) return null;
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new ProblemError(
      'invalid_request',
      'Idempotency-Key must be 1 to 255 printable ASCII characters',
    );
  return key;
}
