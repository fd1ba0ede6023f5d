/** Sessions in the cookies of browsers, and requests that gateways ask about. */
import * as v from 'valibot';
import { exchangeCookie } from '../calls/token-calls';
import {
  refreshSchema,
  signInSchema,
  signOutSchema,
  switchSchema,
} from '../http/browser/browser-inputs';
import { EXAMPLE } from './examples';
import { form, json, jsonBody, type OperationGroup, type ProblemOperation } from './operation';
import { IDEMPOTENCY_KEY } from './parameters';
import {
  accountsOfBrowser,
  exchangedCookie,
  oneOwnSession,
  refreshedInBrowser,
  signedIn,
} from './session-answers';

const nothing = v.strictObject({});
const { cookie: _, ...serverTokenInput } = exchangeCookie.input.entries;

const COOKIES = ['Set-Cookie'];
const refusals = [
  'invalid_request',
  'cross_site_request',
  'third_party_cookies_blocked',
  'too_many_requests',
] as const;
const withSession = [...refusals, 'session_ended', 'ambiguous_cookie'] as const;
const withBody = ['unsupported_media_type'] as const;
/** The refusals of a code, and of the step-up that it may be for. */
const starting = [
  'invalid_request',
  'invalid_code',
  'session_ended',
  'not_found',
  'actor_not_allowed',
  'session_over',
  'refresh_token_superseded',
  'too_many_accounts',
  'too_many_requests',
] as const;

const pages: readonly ProblemOperation[] = [
  {
    at: 'GET /browser/start',
    id: 'startInBrowser',
    summary: 'A browser follows a start URL',
    description:
      'To be navigated to: gives the cookies and goes on to the `return_url`, or asks the person first. `HEAD` uses up nothing, and answers 204.',
    page: 'browsers.md',
    security: 'none',
    query: [
      { name: 'code', schema: v.string(), isRequired: true },
      { name: 'lang', schema: v.string() },
    ],
    answers: {
      200: { description: 'A page that asks.', content: { 'text/html': v.string() } },
      204: { description: 'To `HEAD` alone.' },
      303: { description: 'Signed in.', headers: ['Location', ...COOKIES] },
      308: { description: 'Without the slash at the end.', headers: ['Location'] },
    },
    refusals: starting,
    refusalForm: 'page or problem',
  },
  {
    at: 'POST /browser/start',
    id: 'startInBrowserByForm',
    summary: 'A form of the app’s page sends the code',
    page: 'browsers.md',
    security: 'none',
    body: form(
      v.objectWithRest(
        {
          code: v.pipe(v.string(), v.description('That of the start URL.')),
          lang: v.optional(v.string()),
        },
        v.unknown(),
      ),
      {
        code: EXAMPLE.code,
      },
    ),
    answers: { 303: { description: 'Signed in.', headers: ['Location', ...COOKIES] } },
    refusals: [...starting, 'cross_site_request'],
    refusalForm: 'page or problem',
  },
];

const calls: readonly ProblemOperation[] = [
  {
    at: 'POST /browser/refresh',
    id: 'refreshInBrowser',
    summary: 'Refresh the cookies',
    description: '`resource` and `scope` are for pages that hold their access token.',
    page: 'arrangements.md',
    security: 'cookie',
    body: jsonBody(refreshSchema, {}, true),
    answers: { 200: json(refreshedInBrowser, 'Refreshed.', COOKIES) },
    refusals: [...withSession, ...withBody, 'invalid_target', 'invalid_scope'],
  },
  {
    at: 'POST /browser/sign-in',
    id: 'signInInBrowser',
    summary: 'Sign in by an ID token',
    page: 'browsers.md#sign-in-by-an-openid-provider',
    security: 'none',
    headers: [IDEMPOTENCY_KEY],
    body: jsonBody(signInSchema, {
      client_id: 'web',
      id_token: EXAMPLE.id_token,
      nonce: EXAMPLE.nonce,
    }),
    answers: { 201: json(signedIn, 'Signed in.', COOKIES) },
    refusals: [
      ...refusals,
      ...withBody,
      'client_not_allowed',
      'assertion_refused',
      'issuer_unavailable',
      'invalid_target',
      'invalid_scope',
      'session_limit_reached',
      'too_many_accounts',
      'idempotency_key_reused',
      'idempotent_session_moved_on',
      'user_moved',
    ],
  },
  {
    at: 'GET /browser/session',
    id: 'getBrowserSession',
    summary: 'Whose session the cookie is',
    security: 'cookie',
    answers: { 200: json(oneOwnSession, 'The session, which is not refreshed.') },
    refusals: withSession,
  },
  {
    at: 'GET /browser/sessions',
    id: 'listBrowserSessions',
    summary: 'Who is signed in in this browser',
    page: 'accounts.md',
    security: 'cookie',
    answers: { 200: json(accountsOfBrowser, 'The accounts of the page’s own app.') },
    refusals,
  },
  {
    at: 'POST /browser/switch',
    id: 'switchAccount',
    summary: 'Make another account the current one',
    page: 'accounts.md',
    security: 'cookie',
    body: jsonBody(switchSchema, { index: 0 }),
    answers: { 200: json(refreshedInBrowser, 'It is current, and refreshed.', COOKIES) },
    refusals: [...withSession, ...withBody, 'invalid_target', 'invalid_scope'],
  },
  {
    at: 'POST /browser/sign-out',
    id: 'signOutInBrowser',
    summary: 'Sign out here',
    security: 'cookie',
    body: jsonBody(signOutSchema, {}, true),
    answers: { 204: { description: 'The browser has no such session.', headers: COOKIES } },
    refusals: [...refusals, ...withBody],
  },
  {
    at: 'POST /browser/sign-out-everywhere',
    id: 'signOutEverywhereInBrowser',
    summary: 'Sign out everywhere',
    security: 'cookie',
    body: jsonBody(nothing, {}, true),
    answers: { 204: { description: 'The person has no session.', headers: COOKIES } },
    refusals: [
      ...withSession,
      ...withBody,
      'insufficient_user_authentication',
      'actor_not_allowed',
    ],
  },
  {
    at: 'POST /browser/token',
    id: 'exchangeCookie',
    summary: 'An access token for the cookie that a server forwards',
    page: 'arrangements.md',
    security: 'client with cookie',
    capability: 'browser_tokens',
    body: jsonBody(
      v.strictObject(serverTokenInput),
      { user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0' },
      true,
    ),
    answers: { 200: json(exchangedCookie, 'The token; nothing is rotated.') },
    refusals: [
      'invalid_request',
      'invalid_client',
      'client_not_allowed',
      'cross_site_request',
      'session_ended',
      'ambiguous_cookie',
      'invalid_target',
      'invalid_scope',
      'too_many_requests',
      ...withBody,
    ],
  },
];

const verify: ProblemOperation = {
  at: 'GET /verify',
  id: 'verifyRequest',
  summary: 'May this request pass, and whose is it?',
  description:
    'For gateways, which ask by the visitor’s own headers and, some of them, by the visitor’s own method. 401 is for the visitor; 403 says that the gateway is set up wrong.',
  page: 'gateways.md',
  security: 'gateway',
  isOfEveryMethod: true,
  answers: {
    200: {
      description: 'It may.',
      headers: ['X-User-Id', 'X-Session-Id', 'X-Client-Id', 'X-Actor', 'Authorization'],
    },
  },
  refusals: [
    'invalid_request',
    'invalid_token',
    'session_ended',
    'ambiguous_cookie',
    'client_not_allowed',
    'cross_site_request',
    'too_many_requests',
  ],
};

export const ofBrowsers: OperationGroup = {
  tag: 'Cookie sessions',
  description:
    'For pages of browser clients. `Sec-Fetch-Site` and `Origin` say who asks, and only origins of the client are answered.',
  operations: [...pages, ...calls],
};

export const ofGateways: OperationGroup = {
  tag: 'Gateways',
  description: 'Forward authentication: nginx, Caddy, Traefik, Envoy.',
  operations: [verify],
};
