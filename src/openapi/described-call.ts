/** A call as OpenAPI describes it. */
import { refusalsOf } from './described-errors';
import answers from './example-answers.json';
import { PARAMETERS } from './examples';
import { FIELDS } from './field-descriptions';
import { type JsonSchema, toSchema } from './json-schema';
import type { Answer, Operation, Parameter, Security } from './operation';

/**
 * An empty one says that it goes without. OpenAPI has no scheme for `client_id` and `client_secret`
 * in a form; the bodies have those members.
 */
const REQUIREMENTS: Record<Security, readonly object[]> = {
  client: [{ client: [] }],
  user: [{ accessToken: [] }],
  'client or user': [{ client: [] }, { accessToken: [] }],
  'oauth client': [{ client: [] }, {}],
  'confidential oauth client': [{ client: [] }, {}],
  cookie: [{ sessionCookie: [] }],
  'client with cookie': [{ client: [], sessionCookie: [] }],
  gateway: [{ accessToken: [] }, { gateway: [], sessionCookie: [] }],
  none: [{}],
};

export interface DescribedCall {
  operationId: string;
  parameters?: JsonSchema[];
  requestBody?: {
    required: boolean;
    content: Record<string, { schema: JsonSchema; example: object }>;
  };
  responses: Record<string, DescribedResponse | Reference>;
  [member: string]: unknown;
}

export interface Reference {
  $ref: string;
}

export interface DescribedResponse {
  content?: Record<string, { schema: JsonSchema }>;
  headers?: JsonSchema;
  [member: string]: unknown;
}

export function toCall(operation: Operation, tag: string): DescribedCall {
  const { id, summary, body, security } = operation;
  const parameters = [
    ...toParameters('path', operation.path),
    ...toParameters('query', operation.query),
    ...toParameters('header', operation.headers),
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...toDescription(operation),
    security: [...REQUIREMENTS[security]],
    ...(operation.isOfEveryMethod && { 'x-every-method': true }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: body.isOptional !== true,
        content: { [body.type]: { schema: toSchema(body.schema), example: body.example } },
      },
    }),
    responses: toResponses(operation),
  };
}

function toDescription({ description, capability, page }: Operation): { description?: string } {
  const sentences = [
    description,
    capability && `Needs \`${capability}\` in \`allow\` of the client.`,
    page && `More: docs/${page}.`,
  ].filter((sentence) => sentence);
  return sentences.length > 0 ? { description: sentences.join('\n\n') } : {};
}

function toParameters(where: string, parameters: readonly Parameter[] = []): JsonSchema[] {
  return parameters.map(({ name, schema, description = FIELDS[name], isRequired, example }) => {
    const shown = example ?? (isRequired && PARAMETERS[name]);
    return {
      name,
      in: where,
      ...(description && { description }),
      ...(isRequired && { required: true }),
      schema: toSchema(schema),
      ...(shown && { example: shown }),
    };
  });
}

function toResponses(operation: Operation): Record<string, DescribedResponse | Reference> {
  const own = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    toResponse(
      { ...answer, headers: [...headersAt(operation.at), ...(answer.headers ?? [])] },
      exampleOf(operation.id, status),
    ),
  ]);
  const refusals = Object.entries(refusalsOf(operation)).map(([status, { name }]) => [
    status,
    { $ref: `#/components/responses/${name}` },
  ]);
  return Object.fromEntries([...own, ...refusals]);
}

/** The headers that any answer of a part of the API may have. */
function headersAt(at: string): string[] {
  if (/ \/(v1|oauth)\//.test(at)) return ['X-D1-Bookmark'];
  return / \/(browser|account)(\/|$)/.test(at) ? ['Set-Cookie'] : [];
}

/** The answer of a real service to the example of a call. */
function exampleOf(id: string, status: string): object | undefined {
  const known = (answers as Record<string, { status: number; body?: object }>)[id];
  return known?.status === Number(status) ? known.body : undefined;
}

export function toResponse(
  { description, content, headers = [] }: Answer,
  example?: object,
): DescribedResponse {
  return {
    description,
    headers: Object.fromEntries(
      ['X-Request-Id', ...headers].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
    ),
    ...(content && {
      content: Object.fromEntries(
        Object.entries(content).map(([type, schema]) => [
          type,
          { schema: toSchema(schema), ...(example && { example }) },
        ]),
      ),
    }),
  };
}
