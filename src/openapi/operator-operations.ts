/** The operations of operators. */
import * as v from 'valibot';
import { handOffImported, importSessions } from '../calls/import-calls';
import * as operator from '../calls/operator-calls';
import { stats } from '../calls/stats-call';
import { EXAMPLE } from './examples';
import { json, jsonBody, type Operation, type OperationGroup } from './operation';
import { API_HEADERS, besideWhose, queryOf, WHOSE } from './parameters';
import * as told from './service-answers';
import { handedOff } from './session-answers';

const refusals = [
  'invalid_request',
  'invalid_client',
  'client_not_allowed',
  'too_many_requests',
] as const;
const withBody = [...refusals, 'unsupported_media_type'] as const;
const common = { security: 'client', capability: 'operate', headers: API_HEADERS } as const;

const { home: _, ...drainInput } = operator.drainHome.input.entries;

const operations: readonly Operation[] = [
  {
    at: 'GET /v1/homes',
    id: 'listHomes',
    summary: 'The homes, and whether they answer',
    page: 'homes.md',
    ...common,
    answers: { 200: json(told.homeStates, 'All homes.') },
    refusals,
  },
  {
    at: 'POST /v1/homes/{home}/drain',
    id: 'drainHome',
    summary: 'Move people out of a home',
    description: 'To be called until `next_cursor` is null.',
    page: 'homes.md',
    ...common,
    path: [{ name: 'home', schema: v.string(), isRequired: true }],
    body: jsonBody(v.strictObject(drainInput), { limit: 25 }),
    answers: { 200: json(told.drained, 'How many were moved.') },
    refusals: [...withBody, 'not_found'],
  },
  {
    at: 'POST /v1/users/{user_id}/move',
    id: 'moveUser',
    summary: 'Move a person to another home',
    page: 'homes.md',
    ...common,
    ...WHOSE,
    body: jsonBody(v.strictObject(besideWhose(operator.moveUser.input)), { home: 'DB_WEUR' }),
    answers: { 200: json(told.moved, '`moved` is false where they lived there already.') },
    refusals: [...withBody, 'not_found'],
  },
  {
    at: 'POST /v1/import/sessions',
    id: 'importSessions',
    summary: 'Take in live sessions of another system',
    description: 'It may be run again: what was taken in is there already.',
    page: 'coming-from-elsewhere.md',
    ...common,
    capability: 'import_sessions',
    body: jsonBody(importSessions.input, {
      sessions: [
        {
          token_sha256: EXAMPLE.imported_sha256,
          user_id: EXAMPLE.user_id,
          client_id: 'web',
        },
      ],
    }),
    answers: { 200: json(told.imported, 'What came of each, in the order of the input.') },
    refusals: withBody,
  },
  {
    at: 'POST /v1/import/hand-off',
    id: 'handOffImported',
    summary: 'Put an imported session into the cookies of its browser',
    description: 'By the token that the browser has of the other system, once.',
    page: 'coming-from-elsewhere.md',
    ...common,
    capability: 'create_sessions',
    body: jsonBody(handOffImported.input, {
      token: EXAMPLE.imported_token,
      client_id: 'web',
      browser: { return_url: EXAMPLE.return_url },
    }),
    answers: { 200: json(handedOff, 'Where to send the browser.') },
    refusals: [...withBody, 'not_found', 'session_over', 'refresh_token_superseded'],
  },
  {
    at: 'POST /v1/not-before',
    id: 'setNotBefore',
    summary: 'End what began before a time',
    description:
      'Of a person (`user_id` or `user`), of a `home`, or of `everyone`: one of them is named.',
    page: 'when-something-leaked.md',
    ...common,
    body: jsonBody(operator.setNotBefore.input, {
      user_id: EXAMPLE.user_id,
      reason: 'credential_compromised',
    }),
    answers: { 200: json(told.notBefore, 'The time.') },
    refusals: withBody,
  },
  {
    at: 'GET /v1/webhook-deliveries',
    id: 'listDeliveries',
    summary: 'What the webhooks have not been told',
    page: 'security-log.md#webhooks',
    ...common,
    query: queryOf(operator.listDeliveries.input.entries),
    answers: { 200: json(told.deliveries, 'In the order of writing.') },
    refusals,
  },
  {
    at: 'POST /v1/webhook-deliveries/replay',
    id: 'replayDeliveries',
    summary: 'Tell the webhooks again',
    description: 'Of an `endpoint`, of an event, or `all`.',
    page: 'security-log.md#webhooks',
    ...common,
    body: jsonBody(operator.replayDeliveries.input, { all: true }),
    answers: { 200: json(told.replayed, 'How many are tried again.') },
    refusals: withBody,
  },
  {
    at: 'GET /v1/signing-keys',
    id: 'listSigningKeys',
    summary: 'What each signing key is doing',
    page: 'signing-keys.md',
    ...common,
    answers: { 200: json(told.signingKeys, 'The newest first.') },
    refusals,
  },
  {
    at: 'POST /v1/signing-keys/revoke',
    id: 'revokeSigningKeys',
    summary: 'Withdraw compromised signing keys',
    description: 'One by its `kid`, or all that were `created_before` a time.',
    page: 'when-something-leaked.md',
    ...common,
    body: jsonBody(operator.revokeSigningKeys.input, { kid: EXAMPLE.kid }),
    answers: {
      200: json(told.revokedKeys, 'Which, and within how many seconds they are refused.'),
    },
    refusals: [...withBody, 'not_found'],
  },
  {
    at: 'GET /v1/audit-events',
    id: 'listAuditEvents',
    summary: 'What clients did to other people',
    page: 'security-log.md#the-audit-log',
    ...common,
    query: queryOf(operator.listAuditEvents.input.entries),
    answers: { 200: json(told.auditEvents, 'The newest first.') },
    refusals,
  },
  {
    at: 'GET /v1/stats',
    id: 'stats',
    summary: 'How many sessions there are, and what happened to them',
    page: 'metrics.md',
    ...common,
    query: queryOf(stats.input.entries),
    answers: { 200: json(told.stats, 'Of all homes, added up.') },
    refusals,
  },
  {
    at: 'GET /metrics',
    id: 'metrics',
    summary: 'The same as Prometheus reads it',
    page: 'metrics.md',
    security: 'client',
    capability: 'operate',
    answers: {
      200: {
        description: 'The text format of Prometheus, 0.0.4.',
        content: { 'text/plain': v.string() },
      },
    },
    refusals,
  },
];

export const ofOperators: OperationGroup = {
  tag: 'Operating',
  description: 'With the credentials of a client that may `operate`.',
  operations,
};
