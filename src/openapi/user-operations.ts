/** The operations of a backend on a user. */
import * as v from 'valibot';
import { issuedName } from '../calls/fields';
import * as users from '../calls/user-calls';
import { json, jsonBody, type OperationGroup } from './operation';
import { API_HEADERS, besideWhose, queryOf, WHOSE } from './parameters';
import { foundUser, heldRecords } from './service-answers';
import { managedEvents, managedSessions, revokedCount, updatedCount } from './session-answers';

const refusals = [
  'invalid_request',
  'invalid_client',
  'client_not_allowed',
  'too_many_requests',
] as const;

/** What is common to calls about a person whom the path, or the query, names. */
const ofUser = (input: Parameters<typeof besideWhose>[0]) => ({
  security: 'client' as const,
  path: WHOSE.path,
  query: [...queryOf(besideWhose(input)), ...WHOSE.query],
  headers: API_HEADERS,
});

export const ofUsers: OperationGroup = {
  tag: 'Users',
  description: 'For backends: the sessions of a person, and what is held of them.',
  operations: [
    {
      at: 'GET /v1/users',
      id: 'findUser',
      summary: 'A user by an identity provider’s name of them',
      page: 'api.md#people-by-issuer-and-subject',
      security: 'client',
      capability: 'manage_users',
      query: queryOf(issuedName.entries).map((parameter) => ({ ...parameter, isRequired: true })),
      headers: API_HEADERS,
      answers: { 200: json(foundUser, 'Who it is.') },
      refusals: [...refusals, 'not_found'],
    },
    {
      at: 'GET /v1/users/{user_id}/sessions',
      id: 'listSessions',
      summary: 'The sessions of a user',
      description: 'The active ones, unless `include` is `ended`. A page may be short or empty.',
      page: 'api.md#some-of-a-users-sessions',
      ...ofUser(users.list.input),
      capability: 'manage_users',
      answers: { 200: json(managedSessions, 'The newest first.') },
      refusals,
    },
    {
      at: 'PATCH /v1/users/{user_id}/sessions',
      id: 'updateSessions',
      summary: 'The same change of all live sessions of a user',
      page: 'api.md#changing-live-sessions',
      security: 'client',
      capability: 'manage_users',
      path: WHOSE.path,
      query: WHOSE.query,
      headers: API_HEADERS,
      body: jsonBody(v.strictObject(besideWhose(users.updateAll.input)), {
        claims: { roles: ['editor'] },
        apply: 'now',
      }),
      answers: { 200: json(updatedCount, 'How many were changed.') },
      refusals: [...refusals, 'unsupported_media_type'],
    },
    {
      at: 'DELETE /v1/users/{user_id}/sessions',
      id: 'revokeSessions',
      summary: 'Sign a user out everywhere',
      page: 'security-log.md#why-a-client-ends-sessions',
      ...ofUser(users.revokeAll.input),
      capability: 'manage_users',
      answers: { 200: json(revokedCount, 'How many were ended.') },
      refusals,
    },
    {
      at: 'DELETE /v1/users/{user_id}',
      id: 'eraseUser',
      summary: 'Erase a person from every home',
      page: 'personal-data.md',
      ...ofUser(users.erase.input),
      capability: 'erase_users',
      answers: { 204: { description: 'Nothing is held of them any more.' } },
      refusals,
    },
    {
      at: 'GET /v1/users/{user_id}/export',
      id: 'exportUser',
      summary: 'Everything that is held of a person',
      description: 'A page may be empty, and is the last when `next_cursor` is null.',
      page: 'personal-data.md',
      ...ofUser(users.exportAll.input),
      capability: 'manage_all',
      answers: { 200: json(heldRecords, 'Rows as they are stored, without what verifies tokens.') },
      refusals,
    },
    {
      at: 'GET /v1/users/{user_id}/events',
      id: 'listEvents',
      summary: 'What happened to the sessions of a user',
      page: 'security-log.md',
      ...ofUser(users.listEvents.input),
      capability: 'manage_users',
      answers: { 200: json(managedEvents, 'The newest first.') },
      refusals,
    },
  ],
};
