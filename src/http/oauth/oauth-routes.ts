/**
 * The OAuth endpoints: token (RFC 6749 §6, RFC 7523), revocation (RFC 7009), introspection (RFC
 * 7662).
 */
import { Hono } from 'hono';
import {
  ACCESS_TOKEN_TYPE,
  toExchangedView,
  toIntrospectionView,
  toTokenView,
} from '../../calls/views';
import type { Client } from '../../config/clients';
import { exchangeToken } from '../../service/exchange-token';
import { introspect, revokeByToken } from '../../service/inspect-token';
import type { Tokens } from '../../service/issue-tokens';
import { refresh } from '../../service/refresh-session';
import type { Service } from '../../service/service';
import { signIn } from '../../service/sign-in';
import type { Asked } from '../../service/token-grant';
import { authenticateClient } from '../auth/client-auth';
import type { AppContext, AppEnv } from '../context';
import { OAuthError } from '../errors';
import { readForm, readIdempotencyKey } from '../input';
import { toOAuthError } from '../refusals';

type Form = ReadonlyMap<string, string>;

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export function oauthRoutes(service: Service): Hono<AppEnv> {
  const { config } = service;
  const routes = new Hono<AppEnv>();

  routes.post('/token', async (c) => {
    const form = await readForm(c, ['resource', 'audience']);
    const client = await authenticateClient(c, service, form);
    const grantType = need(form, 'grant_type');
    if (grantType === 'refresh_token') return grantByRefreshToken(c, client, form);
    if (grantType === JWT_BEARER && config.trustedIssuers.size > 0)
      return grantByAssertion(c, client, form);
    if (grantType === TOKEN_EXCHANGE) return grantByExchange(c, client, form);
    throw new OAuthError('unsupported_grant_type', 'The grant type is not supported');
  });

  routes.post('/revoke', async (c) => {
    const form = await readForm(c);
    const client = await authenticateClient(c, service, form);
    const caller = { ...c.get('caller'), client };
    // `token_type_hint` is not looked at: a token tells its own kind (RFC 7009 §2.1). What is no
    // token of ours needs no revoking (§2.2).
    const revoked = await revokeByToken(caller, service, need(form, 'token'));
    if (!revoked.ok) throw toOAuthError(revoked.refusal);
    c.set('outcome', revoked.isRevoked ? 'revoked' : 'unchanged');
    return c.body(null, 200);
  });

  routes.post('/introspect', async (c) => {
    const form = await readForm(c);
    const client = await authenticateClient(c, service, form);
    const caller = { ...c.get('caller'), client };
    const introspected = await introspect(caller, service, need(form, 'token'));
    if (!introspected.ok) throw toOAuthError(introspected.refusal);
    const { introspection } = introspected;
    if (introspection === null) c.set('outcome', 'inactive');
    return c.json(toIntrospectionView(introspection, config.issuer));
  });

  return routes;

  /** RFC 6749 §6. */
  async function grantByRefreshToken(c: AppContext, client: Client, form: Form) {
    const presentation = {
      presented: need(form, 'refresh_token'),
      clientId: client.id,
      asked: toAsked(form),
    };
    const refreshed = await refresh(c.get('caller'), service, presentation);
    if (!refreshed.ok) throw toOAuthError(refreshed.refusal);
    c.set('outcome', refreshed.outcome);
    return c.json(toAppView(refreshed.tokens, form));
  }

  /** RFC 8693 §2.1. Who acts is the client itself. */
  async function grantByExchange(c: AppContext, client: Client, form: Form) {
    const requested = form.get('requested_token_type') ?? ACCESS_TOKEN_TYPE;
    if (need(form, 'subject_token_type') !== ACCESS_TOKEN_TYPE || requested !== ACCESS_TOKEN_TYPE)
      throw new OAuthError(
        'invalid_request',
        'Only access tokens are exchanged, for access tokens',
      );
    if (form.has('actor_token') || form.has('actor_token_type'))
      throw new OAuthError('invalid_request', 'The actor is the client; there is no actor_token');
    const names = [form.get('resource'), form.get('audience')].filter((name) => name !== undefined);
    const asked = {
      ...toAsked(form),
      resource: names.length > 0 ? names.join(' ').split(' ') : null,
    };
    const caller = { ...c.get('caller'), client };
    const exchanged = await exchangeToken(caller, service, need(form, 'subject_token'), asked);
    if (!exchanged.ok) throw toOAuthError(exchanged.refusal);
    c.set('outcome', 'exchanged');
    return c.json({ ...toGrantedScope(form), ...toExchangedView(exchanged) });
  }

  /** RFC 7523 §2.1. */
  async function grantByAssertion(c: AppContext, client: Client, form: Form) {
    const signedIn = await signIn(c.get('caller'), service, {
      assertion: need(form, 'assertion'),
      nonce: form.get('nonce') ?? null,
      asked: toAsked(form),
      persistent: null,
      idempotencyKey: readIdempotencyKey(c),
      client,
    });
    if (!signedIn.ok) throw toOAuthError(signedIn.refusal);
    c.set('outcome', signedIn.isRepeat ? 'repeated' : 'signed_in');
    return c.json(toAppView(signedIn.tokens, form));
  }
}

/** RFC 6749 §5.1, with the claims, which an app does not read out of the token. */
function toAppView(tokens: Tokens, form: Form) {
  return { claims: tokens.claims, ...toGrantedScope(form), ...toTokenView(tokens) };
}

/**
 * Where a session has no scopes, what is asked for is ignored, and the answer says what was granted
 * instead (RFC 6749 §3.3): nothing.
 */
function toGrantedScope(form: Form): { scope?: string } {
  return form.has('scope') ? { scope: '' } : {};
}

function toAsked(form: Form): Asked {
  return { resource: form.get('resource')?.split(' ') ?? null, scope: form.get('scope') ?? null };
}

function need(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OAuthError('invalid_request', `${name} is missing`);
  return value;
}
