/**
 * OAuth: tokens, signing out, introspection. Parameters that are not known are ignored (RFC 6749
 * §3.2).
 */
import * as v from 'valibot';
import { IMPORTED_TYPE, JWT_BEARER, TOKEN_EXCHANGE } from '../http/oauth/grants';
import { EXAMPLE } from './examples';
import { form, json, type OAuthOperation, type OperationGroup } from './operation';
import { API_HEADERS, IDEMPOTENCY_KEY } from './parameters';
import { appTokens, exchangedToken, importedTokens, introspection } from './session-answers';

const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** RFC 6749 §2.3.1. */
const client = { client_id: v.optional(v.string()), client_secret: v.optional(v.string()) };
/** Repeatable (RFC 8707 §2). */
const resource = v.optional(v.array(v.string()));
const scope = v.optional(v.string());

export const refreshForm = v.looseObject({
  grant_type: v.literal('refresh_token'),
  refresh_token: v.string(),
  resource,
  scope,
  ...client,
});
export const assertionForm = v.looseObject({
  grant_type: v.literal(JWT_BEARER),
  assertion: v.string(),
  nonce: v.optional(v.string()),
  resource,
  scope,
  ...client,
});
export const exchangeForm = v.looseObject({
  grant_type: v.literal(TOKEN_EXCHANGE),
  subject_token: v.string(),
  subject_token_type: v.literal(ACCESS_TOKEN_TYPE),
  requested_token_type: v.optional(v.literal(ACCESS_TOKEN_TYPE)),
  resource,
  audience: v.optional(v.array(v.string())),
  scope,
  ...client,
});
/** The form for an imported session, by the token that its holder has of the other system. */
export const importedForm = v.looseObject({
  grant_type: v.literal(TOKEN_EXCHANGE),
  subject_token: v.string(),
  subject_token_type: v.literal(IMPORTED_TYPE),
  resource,
  scope,
  ...client,
});
const tokenForm = v.looseObject({
  token: v.string(),
  token_type_hint: v.optional(v.string()),
  ...client,
});

const operations: readonly OAuthOperation[] = [
  {
    at: 'POST /oauth/token',
    id: 'requestToken',
    summary: 'Refresh; sign in by an ID token; exchange an access token',
    description:
      'By `grant_type`: `refresh_token` (RFC 6749 §6), an ID token of a trusted issuer (RFC 7523), or token exchange (RFC 8693), of an access token or of an imported session’s token. Every refusal of a refresh token is `invalid_grant`; whoever presents an authentic one also gets a `reason`.',
    page: 'api.md#errors',
    security: 'oauth client',
    headers: [IDEMPOTENCY_KEY, ...API_HEADERS],
    body: form(v.union([refreshForm, assertionForm, exchangeForm, importedForm]), {
      grant_type: 'refresh_token',
      refresh_token: EXAMPLE.refresh_token,
      client_id: 'app',
    }),
    answers: { 200: json(v.union([appTokens, exchangedToken, importedTokens]), 'The tokens.') },
    oauthRefusals: [
      'invalid_client',
      'invalid_grant',
      'invalid_target',
      'invalid_scope',
      'unauthorized_client',
      'unsupported_grant_type',
    ],
  },
  {
    at: 'POST /oauth/revoke',
    id: 'revokeToken',
    summary: 'Sign out by either token',
    description:
      'What is no token of the client’s own needs no revoking, and is answered the same (RFC 7009 §2.2).',
    security: 'oauth client',
    headers: API_HEADERS,
    body: form(tokenForm, { token: EXAMPLE.refresh_token, client_id: 'app' }),
    answers: { 200: { description: 'The session is over.' } },
    oauthRefusals: ['invalid_client', 'unsupported_token_type'],
  },
  {
    at: 'POST /oauth/introspect',
    id: 'introspectToken',
    summary: 'Is a token good right now?',
    description: 'RFC 7662.',
    security: 'confidential oauth client',
    capability: 'introspect',
    headers: API_HEADERS,
    body: form(tokenForm, { token: EXAMPLE.access_token }),
    answers: { 200: json(introspection, 'What it says, or that it is not active.') },
    oauthRefusals: ['invalid_client', 'unauthorized_client'],
  },
];

export const ofOAuth: OperationGroup = {
  tag: 'Tokens',
  description: 'OAuth 2.0, for apps and APIs.',
  operations,
};
