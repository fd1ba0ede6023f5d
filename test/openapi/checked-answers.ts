/**
 * Holds every answer of the service to the OpenAPI document: a status, a media type, a member or a
 * header that it does not have fails the test that was given it.
 */
import { Validator } from '@cfworker/json-schema';
import document from '../../assets/edge-sessions/openapi.json';

interface Schema {
  $ref?: string;
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  [keyword: string]: unknown;
}
interface DescribedAnswer {
  content?: Record<string, { schema: Schema }>;
  headers?: Record<string, unknown>;
}
export interface DescribedCall {
  operationId: string;
  responses: Record<string, { $ref?: string } & DescribedAnswer>;
  [member: string]: unknown;
}

const { components } = document;
const responses = components.responses as Record<string, DescribedAnswer>;

/** In the order in which they are looked for: what has no parameter goes first. */
const paths = Object.entries(
  document.paths as unknown as Record<string, Record<string, DescribedCall>>,
)
  .map(([path, calls]) => ({
    path,
    calls,
    form: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }))
  .sort((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')));

/** An answer to a request, at the path below that of the issuer. Throws what is wrong with it. */
export async function checkAnswer(method: string, path: string, answer: Response): Promise<void> {
  const call = findCall(method, path);
  const fail = (what: string): never => {
    throw new Error(`${call.operationId} (${method} ${path}): ${what}`);
  };
  const { status, headers } = answer;
  const described = resolve(call.responses[status]);
  if (described === undefined) return fail(`the document has no ${status}`);
  for (const name of Object.keys(components.headers))
    if (headers.has(name) && described.headers?.[name] === undefined)
      fail(`its ${status} has the header ${name}`);
  if (method === 'HEAD') return;
  const text = await answer.text();
  const type = headers.get('content-type')?.split(';')[0] ?? '';
  if (described.content === undefined) {
    if (text !== '') fail(`its ${status} has a body`);
    return;
  }
  const content = described.content[type];
  if (content === undefined) return fail(`its ${status} is ${type || 'without a media type'}`);
  if (!type.includes('json')) return;
  const { valid, errors } = validatorOf(content.schema).validate(JSON.parse(text));
  if (!valid)
    fail(
      `its ${status} is not as described: ${errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`).join('; ')}`,
    );
}

/** A service whose answers are all checked. `issuer`: what it calls itself. */
export function withCheckedAnswers<
  App extends { fetch: (request: Request, ...rest: never[]) => Response | Promise<Response> },
>(app: App, issuer: string): App {
  const { pathname } = new URL(issuer);
  const base = pathname.replace(/\/$/, '');
  const plain = app.fetch;
  app.fetch = async (request, ...rest) => {
    const answer = await plain(request, ...rest);
    const path = new URL(request.url).pathname;
    await checkAnswer(request.method, toOwnPath(path, base), answer.clone());
    return answer;
  };
  return app;
}

/** RFC 8414 §3.1 has the issuer's path after the well-known part. */
function toOwnPath(path: string, base: string): string {
  if (path.startsWith('/.well-known/') && path.endsWith(base))
    return path.slice(0, path.length - base.length);
  // What is not below the issuer is nothing of the service's.
  return `${path}/`.startsWith(`${base}/`) ? path.slice(base.length) || '/' : '/';
}

function findCall(method: string, path: string): DescribedCall {
  const own = method === 'HEAD' ? ['head', 'get'] : [method.toLowerCase()];
  for (const { calls, form } of paths) {
    if (!form.test(path)) continue;
    const call = own.map((name) => calls[name]).find((found) => found !== undefined);
    const every = Object.values(calls).find((other) => other['x-every-method'] === true);
    if (call !== undefined || every !== undefined) return (call ?? every) as DescribedCall;
  }
  return noCall(method, path);
}

/** Preflights (Fetch §4.8), and addresses of pages with a slash at the end, are no calls either. */
function noCall(method: string, path: string): DescribedCall {
  const of = (id: string, status: string) => answersOf(id)[status] ?? {};
  const { NotFound, MethodNotAllowed } = responses;
  const headers = MethodNotAllowed?.headers ?? {};
  const more: Record<string, DescribedAnswer> = {
    ...(method === 'OPTIONS' && {
      204: { headers: { 'X-Request-Id': {} } },
      403: of('refreshInBrowser', '403'),
    }),
  };
  // What is answered in the form of OAuth, and as a page.
  const own: Record<string, DescribedAnswer> = path.startsWith('/oauth/')
    ? { 404: of('requestToken', '400'), 405: { ...of('requestToken', '400'), headers } }
    : /^\/account(\/|$)/.test(path)
      ? { 404: of('showDevice', '404'), 405: { ...of('showDevice', '404'), headers } }
      : { 404: NotFound ?? {}, 405: MethodNotAllowed ?? {} };
  const redirect = { headers: { 'X-Request-Id': {}, Location: {} } };
  return {
    operationId: 'no call',
    responses: {
      ...own,
      308: redirect,
      500: of('getHealth', '500'),
      503: of('getHealth', '503'),
      ...more,
    },
  };
}

function answersOf(id: string): Record<string, DescribedAnswer> {
  const call = paths
    .flatMap(({ calls }) => Object.values(calls))
    .find(({ operationId }) => operationId === id);
  return Object.fromEntries(
    Object.entries(call?.responses ?? {}).map(([status, answer]) => [
      status,
      resolve(answer) ?? {},
    ]),
  );
}

function resolve(answer: ({ $ref?: string } & DescribedAnswer) | undefined) {
  const { $ref } = answer ?? {};
  return $ref === undefined ? answer : responses[$ref.replace('#/components/responses/', '')];
}

const validators = new Map<Schema, Validator>();
const schemas = Object.fromEntries(
  Object.entries(components.schemas as unknown as Record<string, Schema>).map(([name, schema]) => [
    name,
    close(schema),
  ]),
);

function validatorOf(schema: Schema): Validator {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const validator = new Validator(
    { ...close(schema), components: { schemas } } as never,
    '2020-12',
    true,
  );
  validators.set(schema, validator);
  return validator;
}

/**
 * Whoever reads answers ignores the members that they do not know, so that some can be added. Here
 * each of them has to be in the document.
 */
function close(schema: Schema): Schema {
  if (Array.isArray(schema)) return schema.map(close) as never;
  if (typeof schema !== 'object' || schema === null) return schema;
  // What is said of one member beside all others.
  if (schema.allOf !== undefined) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([name, part]) => [name, close(part as Schema)]),
  );
  return schema.properties === undefined || schema.additionalProperties !== undefined
    ? inner
    : { ...inner, unevaluatedProperties: false };
}
