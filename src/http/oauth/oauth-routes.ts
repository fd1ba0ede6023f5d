/**
 * The OAuth endpoints: token (RFC 6749 §6, RFC 7523), revocation (RFC 7009), introspection (RFC
 * 7662).
 */

import { toIntrospectionView } from '../../calls/views';
import { introspect, revokeByToken } from '../../service/inspect-token';
import type { Service } from '../../service/service';
import { authenticateClient } from '../auth/client-auth';
import type { AppEnv } from '../context';
import { OAuthError } from '../errors';
import { Hono } from '../hono';
import { readForm } from '../input';
import { toOAuthError } from '../refusals';
import {
  grantByAssertion,
  grantByExchange,
  grantByRefresh,
  JWT_BEARER,
  need,
  TOKEN_EXCHANGE,
} from './grants';

export function oauthRoutes(service: Service): Hono<AppEnv> {
  const { config } = service;
  const routes = new Hono<AppEnv>();

  routes.post('/token', async (c) => {
    const form = await readForm(c, ['resource', 'audience']);
    const client = await authenticateClient(c, service, form);
    const grantType = need(form, 'grant_type');
    if (grantType === 'refresh_token') return grantByRefresh(c, service, client, form);
    if (grantType === JWT_BEARER && config.trustedIssuers.size > 0)
      return grantByAssertion(c, service, client, form);
    if (grantType === TOKEN_EXCHANGE) return grantByExchange(c, service, client, form);
    throw new OAuthError('unsupported_grant_type', 'The grant type is not supported');
  });

  routes.post('/revoke', async (c) => {
    const form = await readForm(c);
    const client = await authenticateClient(c, service, form);
    const caller = { ...c.get('caller'), client };
    // `token_type_hint` is not looked at: a token tells its own kind (RFC 7009 §2.1). A text that
    // is no token of ours needs no revoking (§2.2).
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
}
