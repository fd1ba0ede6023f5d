/** Every route, and who may call it. */
import { USER } from '../people';

export const NOBODY = '00000000-0000-4000-8000-000000000000';

export interface Route {
  method: string;
  path: string;
  /** As the log names it. */
  pattern: string;
  /** The body of a good request. */
  json?: Record<string, unknown>;
  form?: Record<string, string>;
  headers?: Record<string, string>;
  /** Of users, and of backends too. */
  takesClients?: true;
}

export const BACKEND_ROUTES: Route[] = [
  { method: 'POST', path: '/v1/sessions', pattern: '/v1/sessions', json: { user_id: USER } },
  { method: 'GET', path: '/v1/users', pattern: '/v1/users' },
  { method: 'GET', path: `/v1/users/${USER}/sessions`, pattern: '/v1/users/:user_id/sessions' },
  { method: 'GET', path: `/v1/users/${USER}/export`, pattern: '/v1/users/:user_id/export' },
  { method: 'GET', path: `/v1/users/${USER}/events`, pattern: '/v1/users/:user_id/events' },
  { method: 'GET', path: '/v1/webhook-deliveries', pattern: '/v1/webhook-deliveries' },
  {
    method: 'POST',
    path: '/v1/webhook-deliveries/replay',
    pattern: '/v1/webhook-deliveries/replay',
    json: { all: true },
  },
  { method: 'GET', path: '/metrics', pattern: '/metrics' },
  { method: 'GET', path: '/v1/stats', pattern: '/v1/stats' },
  { method: 'GET', path: '/v1/audit-events', pattern: '/v1/audit-events' },
  { method: 'GET', path: '/v1/homes', pattern: '/v1/homes' },
  { method: 'GET', path: '/v1/signing-keys', pattern: '/v1/signing-keys' },
  {
    method: 'POST',
    path: '/v1/signing-keys/revoke',
    pattern: '/v1/signing-keys/revoke',
    json: { created_before: 1 },
  },
  {
    method: 'POST',
    path: '/v1/import/sessions',
    pattern: '/v1/import/sessions',
    json: { sessions: [{ token_sha256: 'x'.repeat(43), user_id: USER }] },
  },
  {
    method: 'POST',
    path: '/v1/import/hand-off',
    pattern: '/v1/import/hand-off',
    json: { token: 'unknown', browser: { return_url: 'https://app.example/' } },
  },
  {
    method: 'POST',
    path: `/v1/sessions/${NOBODY}/authentication`,
    pattern: '/v1/sessions/:id/authentication',
    json: { refresh_token: 'unknown' },
  },
  {
    method: 'PATCH',
    path: `/v1/users/${USER}/sessions`,
    pattern: '/v1/users/:user_id/sessions',
    json: { apply: 'now' },
  },
  {
    method: 'POST',
    path: `/v1/users/${NOBODY}/move`,
    pattern: '/v1/users/:user_id/move',
    json: { home: 'DB' },
  },
  {
    method: 'POST',
    path: '/v1/homes/DB/drain',
    pattern: '/v1/homes/:home/drain',
    json: {},
  },
  { method: 'POST', path: '/v1/not-before', pattern: '/v1/not-before', json: { user_id: NOBODY } },
  { method: 'DELETE', path: `/v1/users/${USER}/sessions`, pattern: '/v1/users/:user_id/sessions' },
  { method: 'DELETE', path: `/v1/users/${USER}`, pattern: '/v1/users/:user_id' },
];

export const USER_ROUTES: Route[] = [
  { method: 'GET', path: '/v1/sessions', pattern: '/v1/sessions' },
  { method: 'GET', path: '/v1/events', pattern: '/v1/events' },
  { method: 'GET', path: '/v1/sessions/current', pattern: '/v1/sessions/current' },
  { method: 'POST', path: '/v1/sessions/revoke-others', pattern: '/v1/sessions/revoke-others' },
  {
    method: 'GET',
    path: `/v1/sessions/${NOBODY}`,
    pattern: '/v1/sessions/:id',
    takesClients: true,
  },
  {
    method: 'DELETE',
    path: `/v1/sessions/${NOBODY}`,
    pattern: '/v1/sessions/:id',
    takesClients: true,
  },
  {
    method: 'PATCH',
    path: `/v1/sessions/${NOBODY}`,
    pattern: '/v1/sessions/:id',
    json: { label: 'a name' },
    takesClients: true,
  },
  {
    method: 'PATCH',
    path: '/v1/sessions/current',
    pattern: '/v1/sessions/current',
    json: { label: 'a name' },
  },
  { method: 'DELETE', path: '/v1/sessions/current', pattern: '/v1/sessions/current' },
];

export const OAUTH_ROUTES: Route[] = [
  {
    method: 'POST',
    path: '/oauth/token',
    pattern: '/oauth/token',
    form: { grant_type: 'refresh_token' },
  },
  { method: 'POST', path: '/oauth/revoke', pattern: '/oauth/revoke', form: { token: 'unknown' } },
  {
    method: 'POST',
    path: '/oauth/introspect',
    pattern: '/oauth/introspect',
    form: { token: 'unknown' },
  },
];

const own = { origin: 'https://sessions.example' };
export const BROWSER_ROUTES: Route[] = [
  {
    method: 'GET',
    path: '/browser/start',
    pattern: '/browser/start',
    // People get a page.
    headers: { accept: 'application/json' },
  },
  {
    method: 'POST',
    path: '/browser/start',
    pattern: '/browser/start',
    form: { code: 'unknown' },
    headers: { ...own, accept: 'application/json' },
  },
  { method: 'GET', path: '/browser/session', pattern: '/browser/session' },
  { method: 'GET', path: '/browser/sessions', pattern: '/browser/sessions' },
  {
    method: 'POST',
    path: '/browser/switch',
    pattern: '/browser/switch',
    json: { index: 0 },
    headers: own,
  },
  { method: 'POST', path: '/browser/refresh', pattern: '/browser/refresh', json: {}, headers: own },
  {
    method: 'POST',
    path: '/browser/sign-out',
    pattern: '/browser/sign-out',
    json: {},
    headers: own,
  },
  {
    method: 'POST',
    path: '/browser/sign-out-everywhere',
    pattern: '/browser/sign-out-everywhere',
    json: {},
    headers: own,
  },
  {
    method: 'POST',
    path: '/browser/sign-in',
    pattern: '/browser/sign-in',
    json: { client_id: 'app', id_token: 'unknown', nonce: 'unknown' },
    headers: own,
  },
  { method: 'POST', path: '/browser/token', pattern: '/browser/token', json: {} },
];

export const PUBLIC_ROUTES: Route[] = [
  {
    method: 'GET',
    path: '/.well-known/oauth-authorization-server',
    pattern: '/.well-known/oauth-authorization-server',
  },
  {
    method: 'GET',
    path: '/.well-known/openid-configuration',
    pattern: '/.well-known/openid-configuration',
  },
  { method: 'GET', path: '/.well-known/jwks.json', pattern: '/.well-known/jwks.json' },
  {
    method: 'GET',
    path: '/.well-known/revocations',
    pattern: '/.well-known/revocations',
  },
  {
    method: 'GET',
    path: '/.well-known/revoked-sessions',
    pattern: '/.well-known/revoked-sessions',
  },
  { method: 'GET', path: '/healthz', pattern: '/healthz' },
];

export const ALL_ROUTES = [
  ...BACKEND_ROUTES,
  ...USER_ROUTES,
  ...OAUTH_ROUTES,
  ...BROWSER_ROUTES,
  ...PUBLIC_ROUTES,
];

/** A request of this route with its good body. */
export function toInit(
  { method, json, form, ...route }: Route,
  headers: Record<string, string> = {},
): RequestInit {
  return {
    method,
    headers: { ...route.headers, ...(json && { 'content-type': 'application/json' }), ...headers },
    ...(json && { body: JSON.stringify(json) }),
    ...(form && { body: new URLSearchParams(form) }),
  };
}
