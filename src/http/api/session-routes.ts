/** Sessions: backends start them; users see and end their own. */
import { Hono } from 'hono';
import * as v from 'valibot';
import { endCurrent, endOne, endOthers } from '../../service/end-own-sessions';
import { findCurrentSession, listSessions } from '../../service/own-sessions';
import type { Service } from '../../service/service';
import { type StartInput, startSession } from '../../service/start-session';
import { stepUp } from '../../service/step-up';
import { RESERVED_CLAIMS } from '../../tokens/access-token';
import { bearerAuth } from '../auth/bearer-auth';
import { clientAuth } from '../auth/client-auth';
import { clientCallerOf, userCallerOf } from '../caller';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import {
  formatCursor,
  ipAddress,
  jsonObject,
  readJson,
  readPage,
  userAgent,
  uuid,
  validate,
} from '../input';
import { toProblemError } from '../refusals';
import { toSessionView, toStartView } from '../views';

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
  user_agent: v.nullish(userAgent),
  ip_address: v.nullish(ipAddress),
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
        ({ input }) =>
          `must not shadow a registered claim: ${Object.keys(input)
            .filter((name) => RESERVED_CLAIMS.has(name))
            .join(', ')}`,
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
  const { config } = service;
  const routes = new Hono<AppEnv>();
  const user = bearerAuth(service);

  routes.post('/', clientAuth(service, 'create_sessions'), async (c) => {
    const { input, text } = await readJson(c, newSessionSchema);
    const key = readIdempotencyKey(c);
    const idempotency = key === null ? null : { key, request: text };
    const caller = clientCallerOf(c);
    const started = await startSession(caller, service, toStartInput(input), idempotency);
    if (!started.ok) throw toProblemError(started.refusal);
    const { session, tokens, handOff, isRepeat } = started;
    c.set('outcome', isRepeat ? 'repeated' : 'created');
    const headers = { Location: `${config.issuer}/v1/sessions/${session.id}` };
    if (tokens !== null) return c.json(toStartView(session, tokens, config), 201, headers);
    const browser = { start_url: handOff.startUrl, expires_in: handOff.expiresIn };
    return c.json({ session: toSessionView(session, config), browser }, 201, headers);
  });

  /** Step-up: the backend has authenticated the person anew. */
  routes.post('/:id/authentication', clientAuth(service, 'create_sessions'), async (c) => {
    const sessionId = readId(c);
    const { input } = await readJson(c, authenticationSchema);
    const steppedUp = await stepUp(clientCallerOf(c), service, {
      sessionId,
      refreshToken: input.refresh_token,
      authTime: input.auth_time ?? null,
      amr: input.amr ?? null,
      acr: input.acr ?? null,
    });
    if (!steppedUp.ok) throw toProblemError(steppedUp.refusal);
    c.set('outcome', 'authenticated');
    return c.json(toStartView(steppedUp.session, steppedUp.tokens, config));
  });

  routes.get('/', user, async (c) => {
    const caller = userCallerOf(c);
    const listed = await listSessions(caller, service, readPage(c));
    if (!listed.ok) throw toProblemError(listed.refusal);
    const { sessions, next } = listed.page;
    const { sessionId } = caller.accessToken;
    return c.json({
      sessions: sessions.map((session) => toSessionView(session, config, sessionId)),
      next_cursor: next && formatCursor(next),
    });
  });

  routes.get('/current', user, async (c) => {
    const found = await findCurrentSession(userCallerOf(c), service);
    if (!found.ok) throw toProblemError(found.refusal);
    return c.json({ session: toSessionView(found.session, config, found.session.id) });
  });

  routes.delete('/current', user, async (c) => {
    const ended = await endCurrent(userCallerOf(c), service);
    if (!ended.ok) throw toProblemError(ended.refusal);
    return c.body(null, 204);
  });

  routes.post('/revoke-others', user, async (c) => {
    const ended = await endOthers(userCallerOf(c), service);
    if (!ended.ok) throw toProblemError(ended.refusal);
    return c.json({ revoked: ended.revoked });
  });

  routes.delete('/:id', user, async (c) => {
    const ended = await endOne(userCallerOf(c), service, readId(c));
    if (!ended.ok) throw toProblemError(ended.refusal);
    return c.body(null, 204);
  });

  return routes;
}

function readId(c: AppContext): string {
  return validate(v.strictObject({ id: uuid }), { id: c.req.param('id') }).id;
}

function toStartInput(input: v.InferOutput<typeof newSessionSchema>): StartInput {
  return {
    userId: input.user_id ?? null,
    clientId: input.client_id ?? null,
    userAgent: input.user_agent ?? null,
    ipAddress: input.ip_address ?? null,
    expiresIn: input.expires_in,
    authTime: input.auth_time ?? null,
    amr: input.amr ?? null,
    acr: input.acr ?? null,
    claims: input.claims ?? null,
    guestSessionId: input.guest_session_id ?? null,
    home: input.home ?? null,
    returnUrl: input.browser?.return_url ?? null,
  };
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
