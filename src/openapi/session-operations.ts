/** Sessions: backends start, see, change and end them; users see and end their own. */
import * as v from 'valibot';
import { label } from '../calls/fields';
import * as sessions from '../calls/session-calls';
import { forBrowser, withTokens } from '../calls/start-calls';
import { EXAMPLE } from './examples';
import { json, jsonBody, type OperationGroup } from './operation';
import { API_HEADERS, IDEMPOTENCY_KEY, PAGING, queryOf, SESSION_ID } from './parameters';
import {
  handedOff,
  oneManagedSession,
  oneOwnSession,
  ownEvents,
  ownSessions,
  revokedCount,
  sessionTokens,
} from './session-answers';

const beside = <Entries extends v.ObjectEntries>(
  schema: v.StrictObjectSchema<Entries, undefined>,
) => {
  const { session_id: _, ...entries } = schema.entries;
  return v.strictObject(entries);
};

const ofBackend = [
  'invalid_request',
  'invalid_client',
  'client_not_allowed',
  'too_many_requests',
] as const;
const ofUser = ['invalid_request', 'invalid_token', 'too_many_requests'] as const;
const withJson = ['unsupported_media_type'] as const;
const named = v.strictObject({ label: v.nullable(label) });

export const sessionChange = beside(sessions.updateSession.input);

export const ofSessions: OperationGroup = {
  tag: 'Sessions of your app',
  description: 'For backends, with the credentials of a client.',
  operations: [
    {
      at: 'POST /v1/sessions',
      id: 'createSession',
      summary: 'Start a session',
      description:
        'For a user whom the backend has authenticated, for a guest, or, with `act`, for support staff who act as a user, which needs `impersonate`. With `browser`, the session is handed to a browser: the answer has a URL instead of tokens.',
      page: 'api.md',
      security: 'client',
      capability: 'create_sessions',
      headers: [IDEMPOTENCY_KEY, ...API_HEADERS],
      body: jsonBody(
        v.union([withTokens.ofUser, withTokens.ofSupport, forBrowser.ofUser, forBrowser.ofSupport]),
        {
          user_id: EXAMPLE.user_id,
          client_id: 'app',
          user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
          ip_address: '203.0.113.7',
          amr: ['pwd', 'otp'],
        },
      ),
      answers: {
        201: json(v.union([sessionTokens, handedOff]), 'The session was started.', ['Location']),
      },
      refusals: [
        ...ofBackend,
        ...withJson,
        'not_found',
        'invalid_target',
        'invalid_scope',
        'session_limit_reached',
        'user_has_other_home',
        'user_moved',
        'guest_session_not_found',
        'idempotent_session_moved_on',
        'idempotency_key_reused',
      ],
    },
    {
      at: 'POST /v1/sessions/{id}/authentication',
      id: 'stepUpSession',
      summary: 'Step-up: record a fresh authentication',
      page: 'step-up.md',
      security: 'client',
      capability: 'create_sessions',
      path: [SESSION_ID],
      headers: API_HEADERS,
      body: jsonBody(
        v.union([
          beside(sessions.authenticate.input),
          beside(sessions.authenticateInBrowser.input),
        ]),
        { refresh_token: EXAMPLE.refresh_token, amr: ['pwd', 'hwk'] },
      ),
      answers: { 200: json(v.union([sessionTokens, handedOff]), 'It is recorded.') },
      refusals: [
        ...ofBackend,
        ...withJson,
        'not_found',
        'actor_not_allowed',
        'session_over',
        'refresh_token_superseded',
      ],
    },
    {
      at: 'GET /v1/sessions/{id}',
      id: 'getSession',
      summary: 'One session, live or over',
      description: 'A user sees their own alone, while it is live.',
      security: 'client or user',
      capability: 'manage_users',
      path: [SESSION_ID],
      headers: API_HEADERS,
      answers: { 200: json(v.union([oneManagedSession, oneOwnSession]), 'The session.') },
      refusals: [...ofBackend, 'invalid_token', 'not_found'],
    },
    {
      at: 'PATCH /v1/sessions/{id}',
      id: 'updateSession',
      summary: 'Change a live session',
      description:
        'A backend changes its claims, `metadata`, `label` and end; its user, with an access token, the `label` alone.',
      page: 'api.md#changing-live-sessions',
      security: 'client or user',
      capability: 'manage_users',
      path: [SESSION_ID],
      headers: API_HEADERS,
      body: jsonBody(sessionChange, { label: 'Work laptop', metadata: { plan: 'team' } }),
      answers: { 200: json(v.union([oneManagedSession, oneOwnSession]), 'As it is now.') },
      refusals: [
        ...ofBackend,
        ...withJson,
        'invalid_token',
        'actor_not_allowed',
        'not_found',
        'session_over',
      ],
    },
    {
      at: 'DELETE /v1/sessions/{id}',
      id: 'revokeSession',
      summary: 'End a session',
      description: 'With an access token: sign out there. `reason` is for backends.',
      page: 'security-log.md#why-a-client-ends-sessions',
      security: 'client or user',
      capability: 'manage_users',
      path: [SESSION_ID],
      query: queryOf({ reason: sessions.revokeSession.input.entries.reason }),
      headers: API_HEADERS,
      answers: { 204: { description: 'It is over.' } },
      refusals: [
        ...ofBackend,
        'invalid_token',
        'insufficient_user_authentication',
        'actor_not_allowed',
        'not_found',
      ],
    },
  ],
};

export const ofOwnSessions: OperationGroup = {
  tag: 'My sessions',
  description: 'For a person, with an access token of their own session.',
  operations: [
    {
      at: 'GET /v1/sessions',
      id: 'listOwnSessions',
      summary: 'My devices',
      page: 'account-api.md',
      security: 'user',
      query: PAGING,
      headers: API_HEADERS,
      answers: { 200: json(ownSessions, 'The newest first.') },
      refusals: ofUser,
    },
    {
      at: 'GET /v1/sessions/current',
      id: 'getOwnSession',
      summary: 'This device',
      security: 'user',
      headers: API_HEADERS,
      answers: { 200: json(oneOwnSession, 'The session of the access token.') },
      refusals: ofUser,
    },
    {
      at: 'PATCH /v1/sessions/current',
      id: 'nameOwnSession',
      summary: 'Name this device',
      security: 'user',
      headers: API_HEADERS,
      body: jsonBody(named, { label: 'My phone' }),
      answers: { 200: json(oneOwnSession, 'As it is now.') },
      refusals: [...ofUser, ...withJson, 'actor_not_allowed'],
    },
    {
      at: 'DELETE /v1/sessions/current',
      id: 'revokeOwnSession',
      summary: 'Sign out here',
      security: 'user',
      headers: API_HEADERS,
      answers: { 204: { description: 'It is over.' } },
      refusals: ofUser,
    },
    {
      at: 'POST /v1/sessions/revoke-others',
      id: 'revokeOtherSessions',
      summary: 'Sign out everywhere else',
      security: 'user',
      headers: API_HEADERS,
      answers: { 200: json(revokedCount, 'How many were ended.') },
      refusals: [...ofUser, 'insufficient_user_authentication', 'actor_not_allowed'],
    },
    {
      at: 'GET /v1/events',
      id: 'listOwnEvents',
      summary: 'What happened to my sessions',
      page: 'security-log.md',
      security: 'user',
      query: PAGING,
      headers: API_HEADERS,
      answers: { 200: json(ownEvents, 'The newest first.') },
      refusals: ofUser,
    },
  ],
};
