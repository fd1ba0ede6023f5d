/** The operations that anyone may call. */
import * as v from 'valibot';
import { json, type OperationGroup, type Parameter, type ProblemOperation } from './operation';
import * as told from './service-answers';

const anyone = { security: 'none', refusals: [] } as const;
const KNOWN: Parameter = {
  name: 'If-None-Match',
  schema: v.string(),
  description: 'The `ETag` of the version that is known already.',
};
const unchanged = { 304: { description: 'It is the version that is known.', headers: ['ETag'] } };

const operations: readonly ProblemOperation[] = [
  {
    at: 'GET /.well-known/oauth-authorization-server',
    id: 'getServerMetadata',
    summary: 'Authorization server metadata',
    description: 'RFC 8414. Below a path of the issuer, it is also where §3.1 has it.',
    ...anyone,
    answers: { 200: json(told.serverMetadata, 'The metadata.') },
    asksNoDatabase: true,
  },
  {
    at: 'GET /.well-known/openid-configuration',
    id: 'getOpenIdConfiguration',
    summary: 'The same, for those who look for it here',
    ...anyone,
    answers: { 200: json(told.serverMetadata, 'The metadata.') },
    asksNoDatabase: true,
  },
  {
    at: 'GET /.well-known/jwks.json',
    id: 'getKeySet',
    summary: 'The keys that verify access tokens',
    page: 'signing-keys.md',
    ...anyone,
    headers: [KNOWN],
    answers: {
      200: {
        description: 'RFC 7517.',
        content: { 'application/jwk-set+json': told.keySet },
        headers: ['ETag'],
      },
      ...unchanged,
    },
  },
  {
    at: 'GET /.well-known/revocations',
    id: 'getRevocations',
    summary: 'The revocation list',
    description: 'Hashes of what ended while its access tokens may still be good.',
    page: 'revocation-list.md',
    ...anyone,
    headers: [KNOWN],
    answers: { 200: json(told.revocationList, 'The list.', ['ETag']), ...unchanged },
  },
  {
    at: 'GET /.well-known/revoked-sessions',
    id: 'getRevokedSessions',
    summary: 'The revocation list, for verifiers of the release before',
    page: 'upgrading.md',
    ...anyone,
    headers: [KNOWN],
    answers: { 200: json(told.formerRevocationList, 'The list.', ['ETag']), ...unchanged },
  },
  {
    at: 'GET /healthz',
    id: 'getHealth',
    summary: 'Whether it runs, and what is amiss',
    ...anyone,
    answers: { 200: json(told.health, 'It runs; `degraded` says what is amiss.') },
    asksNoDatabase: true,
  },
  {
    at: 'GET /openapi.json',
    id: 'getOpenApi',
    summary: 'This document',
    ...anyone,
    refusals: ['not_found'],
    answers: { 200: json(v.objectWithRest({ openapi: v.string() }, v.unknown()), 'OpenAPI 3.1.') },
    asksNoDatabase: true,
  },
  {
    at: 'GET /docs',
    id: 'showDocs',
    summary: 'This document as a page, to read and to try',
    ...anyone,
    refusals: ['not_found'],
    answers: {
      200: { description: 'The page.', content: { 'text/html': v.string() }, headers: ['ETag'] },
    },
    asksNoDatabase: true,
  },
  {
    at: 'GET /docs/{file}',
    id: 'getDocsFile',
    summary: 'What that page loads',
    ...anyone,
    path: [{ name: 'file', schema: v.string(), isRequired: true }],
    refusals: ['not_found'],
    answers: {
      200: {
        description: 'A script, a stylesheet, or a license.',
        content: {
          'text/css': v.string(),
          'text/javascript': v.string(),
          'text/plain': v.string(),
          'text/html': v.string(),
        },
        headers: ['ETag'],
      },
    },
    asksNoDatabase: true,
  },
];

export const ofAnyone: OperationGroup = {
  tag: 'Public documents',
  description: 'For anyone, and for caches.',
  operations,
};
