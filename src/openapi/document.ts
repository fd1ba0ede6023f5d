/**
 * The OpenAPI 3.1 document of the service. It is made at build time (`npm run openapi`), into a
 * static asset: no line of this folder is in the Worker.
 */
import { SESSION_COOKIE } from '../tokens/session-cookie';
import { ofBrowsers, ofGateways } from './browser-operations';
import { type DescribedCall, type DescribedResponse, toCall, toResponse } from './described-call';
import { HEADERS, refusalsOf, withCodes } from './described-errors';
import { type JsonSchema, namedSchemas } from './json-schema';
import { ofOAuth } from './oauth-operations';
import type { OperationGroup } from './operation';
import { ofOperators } from './operator-operations';
import { ofPages } from './page-operations';
import { ofAnyone } from './public-operations';
import { ofOwnSessions, ofSessions } from './session-operations';
import { ofUsers } from './user-operations';

export const GROUPS: readonly OperationGroup[] = [
  ofOAuth,
  ofSessions,
  ofUsers,
  ofOwnSessions,
  ofBrowsers,
  ofGateways,
  ofOperators,
  ofPages,
  ofAnyone,
];

/** Stands for ISSUER, by which the Worker replaces it (http/documents.ts). */
export const ISSUER = 'https://sessions.example';

const DESCRIPTION = `Login sessions: signed access tokens, refresh tokens that survive races, theft detection.

Errors under \`/oauth\` are those of RFC 6749 §5.2, elsewhere problem details (RFC 9457) with a stable \`code\`. \`503\` and \`429\` always mean: keep the token, and try again after \`Retry-After\`. Members may be added to answers; ignore what you do not know. Whatever is not here is \`404\` with \`not_found\`, or with another method \`405\` with \`method_not_allowed\`. \`GET\` can be asked as \`HEAD\` too. The pages that descriptions name are those of the package’s docs/.`;

const SECURITY_SCHEMES = {
  client: {
    type: 'http',
    scheme: 'basic',
    description: 'The `client_id` and secret of a client (RFC 6749 §2.3.1).',
  },
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token of a session (RFC 6750).',
  },
  sessionCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: SESSION_COOKIE,
    description: 'The cookies of a session in a browser, which no script reads.',
  },
  gateway: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Gateway-Authorization',
    description: '`Basic` with the id and secret of a client that may `verify_cookies`.',
  },
};

export interface OpenApi {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, DescribedCall>>;
  components: {
    schemas: Record<string, JsonSchema>;
    responses: Record<string, DescribedResponse>;
    [kind: string]: unknown;
  };
  [member: string]: unknown;
}

export function toDocument(version: string): OpenApi {
  const paths: OpenApi['paths'] = {};
  for (const { tag, operations } of GROUPS)
    for (const operation of operations) {
      const [method = '', path = ''] = operation.at.split(' ');
      paths[path] = { ...paths[path], [method.toLowerCase()]: toCall(operation, tag) };
    }
  return {
    openapi: '3.1.1',
    info: {
      title: 'edge-sessions',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: ISSUER }],
    tags: GROUPS.map(({ tag, description }) => ({ name: tag, description })),
    paths,
    components: {
      schemas: namedSchemas(),
      responses: {
        ...namedRefusals(),
        NotFound: toResponse({
          description: 'There is nothing here.',
          content: { 'application/problem+json': withCodes(['not_found']) },
        }),
        MethodNotAllowed: toResponse({
          description: 'There are calls of other methods here.',
          content: { 'application/problem+json': withCodes(['method_not_allowed']) },
          headers: ['Allow'],
        }),
      },
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, description]) => [
          name,
          { description, schema: { type: 'string' } },
        ]),
      ),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

/** Every refusal of every call. */
function namedRefusals(): Record<string, DescribedResponse> {
  const all = GROUPS.flatMap(({ operations }) =>
    operations.flatMap((operation) => Object.values(refusalsOf(operation))),
  );
  return Object.fromEntries(
    all.map(({ name, ...answer }) => [
      name,
      toResponse({
        ...answer,
        headers: ['X-D1-Bookmark', 'Set-Cookie', ...(answer.headers ?? [])],
      }),
    ]),
  );
}
