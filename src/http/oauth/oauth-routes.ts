/**
 * The OAuth endpoints: token (RFC 6749 §6, RFC 7523), revocation (RFC 7009), introspection (RFC
 * 7662).
 */
import { Hono } from 'hono';
import type { Client } from '../../config/clients';
import { sha256 } from '../../crypto';
import { findSession } from '../../sessions/read';
import { checkSession, idleExpiresAt, wasRotatedWithinGrace } from '../../sessions/session';
import {
  looksLikeRefreshToken,
  successorsOf,
  verifyRefreshToken,
} from '../../tokens/refresh-token';
import { verifyOwnAccessToken } from '../access-token';
import { authenticateClient, requireCapability } from '../auth/client-auth';
import type { AppContext, AppEnv } from '../context';
import { OAuthError } from '../errors';
import { whereSessionIs } from '../homes';
import { readForm } from '../input';
import { type RefreshResult, refresh } from '../refresh';
import type { Service } from '../service';
import { signIn } from '../sign-in';
import { endByClient } from '../sign-out';
import { issueTokens } from '../views';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export function oauthRoutes(service: Service): Hono<AppEnv> {
  const { config, now } = service;
  const routes = new Hono<AppEnv>();

  routes.post('/token', async (c) => {
    const form = await readForm(c);
    const client = await authenticateClient(c, config, form);
    const grantType = form.get('grant_type');
    if (grantType === undefined) throw new OAuthError('invalid_request', 'grant_type is missing');
    if (grantType === JWT_BEARER && config.trustedIssuers.size > 0)
      return startByAssertion(c, client, form);
    if (grantType !== 'refresh_token')
      throw new OAuthError('unsupported_grant_type', 'The grant type is not supported');
    requireCapability(client, 'refresh');
    // Sessions have no scope, so any that is asked for is more than was granted (RFC 6749 §6).
    if (form.has('scope')) throw new OAuthError('invalid_scope', 'Sessions have no scope');
    const presented = form.get('refresh_token');
    if (presented === undefined)
      throw new OAuthError('invalid_request', 'refresh_token is missing');

    const result = await refresh(c, service, { presented, clientId: client.id });
    if (!result.ok) throw toOAuthError(result);
    c.set('outcome', result.outcome);
    return c.json(await issueTokens(service, result.home, result.session, result.secret));
  });

  routes.post('/revoke', async (c) => {
    const form = await readForm(c);
    const client = await authenticateClient(c, config, form);
    const found = await findToken(c, form);
    // RFC 7009 §2.2: what is no token of ours needs no revoking.
    if (found === null) return c.body(null, 200);
    const target = { sessionId: found.sessionId, clientId: client.id };
    const isOwn = found.clientId === null || found.clientId === client.id;
    const events = isOwn ? await endByClient(c, service, found.home, target) : [];
    c.set('outcome', events.length > 0 ? 'revoked' : 'unchanged');
    return c.body(null, 200);
  });

  routes.post('/introspect', async (c) => {
    const form = await readForm(c);
    const client = await authenticateClient(c, config, form);
    requireCapability(client, 'introspect');
    const found = await findToken(c, form);
    const session =
      found &&
      (
        await whereSessionIs(
          c,
          service,
          found,
          (home) => findSession(home, found.sessionId),
          (row) => row?.home != null,
        )
      ).result;
    const isActive =
      found !== null && session !== null && checkSession(session, config.sessions, now()) === null;
    if (!isActive) return inactive(c);
    if (found.refreshToken === null) {
      return c.json({ active: true, token_type: 'Bearer', ...found.claims });
    }
    // A refresh token concerns its own client alone, and is active while a refresh with it would
    // succeed.
    if (session.clientId !== client.id) return inactive(c);
    const isCurrent = session.refreshToken === (await sha256(found.refreshToken.secret));
    const isPredecessor = (await successorsOf(await service.keyring(), found.refreshToken)).some(
      ({ hash }) => hash === session.refreshToken,
    );
    if (!isCurrent && !(isPredecessor && wasRotatedWithinGrace(session, config.sessions, now())))
      return inactive(c);
    const ends = [session.expiresAt, idleExpiresAt(session, config.sessions)]
      .filter((end) => end !== null)
      .map((end) => end.getTime() / 1000);
    return c.json({
      active: true,
      token_type: 'refresh_token',
      iss: config.issuer,
      sub: session.userId ?? session.id,
      client_id: session.clientId,
      sid: session.id,
      iat: session.createdAt.getTime() / 1000,
      ...(ends.length > 0 && { exp: Math.min(...ends) }),
    });
  });

  return routes;

  /** RFC 7523 §2.1. Why an assertion is refused is for the log alone. */
  async function startByAssertion(
    c: AppContext,
    client: Client,
    form: ReadonlyMap<string, string>,
  ) {
    requireCapability(client, 'sign_in');
    if (form.has('scope')) throw new OAuthError('invalid_scope', 'Sessions have no scope');
    const assertion = form.get('assertion');
    if (assertion === undefined) throw new OAuthError('invalid_request', 'assertion is missing');
    const result = await signIn(c, service, {
      assertion,
      nonce: form.get('nonce') ?? null,
      client,
    });
    if (!result.ok) {
      const isLimit = result.reason === 'session_limit_reached';
      const description = isLimit
        ? 'The user has as many active sessions as allowed'
        : 'The assertion is not valid';
      throw new OAuthError('invalid_grant', description, { outcome: result.outcome });
    }
    c.set('outcome', 'signed_in');
    return c.json(await issueTokens(service, result.home, result.session, result.secret));
  }

  /**
   * An authentic token of either kind in `token`, wherever `token_type_hint` points (RFC 7009
   * §2.1); null for anything else.
   */
  async function findToken(c: AppContext, form: ReadonlyMap<string, string>) {
    const token = form.get('token');
    if (token === undefined) throw new OAuthError('invalid_request', 'token is missing');
    if (looksLikeRefreshToken(token)) {
      const verdict = await verifyRefreshToken(await service.keyring(), token, now());
      const home = verdict.ok ? service.findHome(verdict.token.home, c.get('meter')) : null;
      if (!verdict.ok || home === null) return null;
      return {
        home,
        sessionId: verdict.token.sessionId,
        clientId: null,
        refreshToken: verdict.token,
        claims: null,
      };
    }
    const verdict = await verifyOwnAccessToken(c, service, token);
    const home = verdict.ok ? service.findHome(verdict.token.home, c.get('meter')) : null;
    if (!verdict.ok || home === null) return null;
    return {
      home,
      sessionId: verdict.token.sessionId,
      clientId: verdict.token.clientId,
      refreshToken: null,
      claims: verdict.token.payload,
    };
  }

  /** RFC 7662 §2.2: nothing more is said of an inactive token. */
  function inactive(c: AppContext) {
    c.set('outcome', 'inactive');
    return c.json({ active: false });
  }
}

/**
 * What is not authentic, or not the caller's, is told nothing; whoever holds an authentic token may
 * know why its session is over.
 */
function toOAuthError({ reason, outcome }: Extract<RefreshResult, { ok: false }>): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The refresh token is not valid',
    reason === null ? { outcome } : { reason },
  );
}
