/**
 * Public documents: authorization server metadata (RFC 8414) and the keys that verify access tokens
 * (RFC 7517).
 */
import type { Context } from 'hono';
import { JWKS_CACHE_SECONDS } from '../../config/signing-key-policy';
import { isTokenExchanged } from '../../service/exchange-token';
import type { Service } from '../../service/service';
import { trustedKeys } from '../../tokens/signing-keys';
import type { AppEnv } from '../context';
import { Hono } from '../hono';
import { answerDocument, toEntityTag } from './public-document';
import { revocationRoutes } from './revocation-routes';

/**
 * The names that the metadata is found by: RFC 8414's own, and the one of OpenID Connect Discovery,
 * which many libraries and gateways look for alone (RFC 8414 §5). Both names have the same
 * document. It lacks the members that only an OpenID provider has (an authorization endpoint, ID
 * tokens, subject types).
 */
export const METADATA_NAMES = ['oauth-authorization-server', 'openid-configuration'] as const;

export function metadataRoutes(service: Service): {
  wellKnown: Hono<AppEnv>;
  serverMetadata: (c: Context) => Response;
} {
  const { config, now } = service;
  const { issuer } = config;
  const scopes = new Set([...config.clients.values()].flatMap((client) => client.scopes ?? []));
  const metadata = {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    token_endpoint: `${issuer}/oauth/token`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    grant_types_supported: [
      'refresh_token',
      ...(config.trustedIssuers.size > 0 ? ['urn:ietf:params:oauth:grant-type:jwt-bearer'] : []),
      ...(isTokenExchanged(config) || config.importedSessionsUntil
        ? ['urn:ietf:params:oauth:grant-type:token-exchange']
        : []),
    ],
    ...(scopes.size > 0 && { scopes_supported: [...scopes].sort() }),
    // Required by RFC 8414 §2; there is no authorization endpoint.
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    revocation_endpoint_auth_methods_supported: [
      'client_secret_basic',
      'client_secret_post',
      'none',
    ],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  };
  const serverMetadata = (c: Context) => c.json(metadata, 200, publicHeaders(3600));

  const wellKnown = new Hono<AppEnv>();
  for (const name of METADATA_NAMES) wellKnown.get(`/${name}`, serverMetadata);
  wellKnown.get('/jwks.json', async (c) => {
    const keySet = await service.keySet(service.defaultHome(c.get('caller')), JWKS_CACHE_SECONDS);
    const keys = trustedKeys(keySet, config.signingKeys, now()).map(({ publicJwk }) => publicJwk);
    const text = JSON.stringify({ keys });
    const document = { text, tag: await toEntityTag(text) };
    return answerDocument(c, document, {
      ...publicHeaders(config.signingKeys.jwksMaxAgeSeconds),
      contentType: 'application/jwk-set+json',
    });
  });
  wellKnown.route('/', revocationRoutes(service));
  return { wellKnown, serverMetadata };
}

function publicHeaders(maxAgeSeconds: number): Record<string, string> {
  return {
    'Cache-Control': `public, max-age=${maxAgeSeconds}`,
    'Access-Control-Allow-Origin': '*',
  };
}
