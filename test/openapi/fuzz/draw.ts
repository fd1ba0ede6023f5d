/** Requests drawn from the OpenAPI document: mostly what it allows, often not quite. */
import fc from 'fast-check';
import document from '../../../assets/edge-sessions/openapi.json';

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  type?: string;
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  [keyword: string]: unknown;
}

/** Stands for what the world has of this name when the request is sent. */
export class Taken {
  constructor(
    readonly name: string,
    readonly which: number,
  ) {}
}

export interface Drawn {
  id: string;
  method: string;
  path: string;
  security: string[];
  parameters: { name: string; in: string; value: unknown }[];
  type: string | null;
  body: unknown;
  /** Which credentials are sent. */
  as: 'right' | 'right' | 'client' | 'other client' | 'user' | 'cookie' | 'wrong' | 'none';
  /** Seconds that pass before it. */
  after: number;
}

const schemas = document.components.schemas as unknown as Record<string, Schema>;

/** Values that the world may have. */
const KNOWN = new Set(
  'id user_id session_id guest_session_id except client_id home issuer subject return_url resource audience nonce token refresh_token subject_token assertion id_token code cursor before event_id kid'.split(
    ' ',
  ),
);

const NASTY = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  'null',
  '../..',
  '%00',
  '💥',
  "' or 1=1 --",
  '<b>',
  'a'.repeat(5_000),
  '__proto__',
  '\r\nX-Evil: 1',
  '-1',
  '9'.repeat(30),
];

const anyText = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 1, arbitrary: fc.uuid() },
);
const anything = fc.oneof(anyText, fc.jsonValue({ maxDepth: 2 }));

/** Now and then something else. */
const mostly = (arbitrary: fc.Arbitrary<unknown>, other: fc.Arbitrary<unknown> = anything) =>
  fc.oneof({ weight: 14, arbitrary }, { weight: 1, arbitrary: other });

export function drawValue(schema: Schema, name: string): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined)
    return drawValue(schemas[schema.$ref.replace('#/components/schemas/', '')] as Schema, name);
  if (schema.anyOf !== undefined)
    return fc.oneof(...schema.anyOf.map((option) => drawValue(option, name)));
  if (schema.enum !== undefined) return mostly(fc.constantFrom(...schema.enum));
  if ('const' in schema) return mostly(fc.constant(schema.const));
  if (schema.properties !== undefined) return mostly(drawObject(schema));
  switch (schema.type) {
    case 'string':
      return mostly(drawText(schema, name), anything);
    case 'integer':
    case 'number':
      return mostly(
        fc.oneof(
          fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 3_000_000_000 }),
          fc.constantFrom(0, 1, 100, 3600),
        ),
        fc.oneof(fc.double(), fc.maxSafeInteger(), anything),
      );
    case 'boolean':
      return mostly(fc.boolean());
    case 'null':
      return fc.constant(null);
    case 'array':
      return mostly(fc.array(drawValue(schema.items ?? {}, name), { maxLength: 3 }));
    default:
      return mostly(
        fc.dictionary(fc.string({ maxLength: 12 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 4 }),
      );
  }
}

function drawText(schema: Schema, name: string): fc.Arbitrary<unknown> {
  const known = fc.nat({ max: 11 }).map((which) => new Taken(name, which));
  const own = schema.format === 'uuid' ? fc.uuid() : anyText;
  return KNOWN.has(name)
    ? fc.oneof({ weight: 9, arbitrary: known }, { weight: 1, arbitrary: own })
    : own;
}

function drawObject({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      required.includes(name)
        ? fc.oneof(
            { weight: 30, arbitrary: drawValue(schema, name) },
            { weight: 1, arbitrary: fc.constant(undefined) },
          )
        : fc.oneof(
            { weight: 4, arbitrary: fc.constant(undefined) },
            { weight: 1, arbitrary: drawValue(schema, name) },
          ),
    ]),
  );
  const more = fc.oneof(
    { weight: 30, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(anyText, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 1 }) },
  );
  return fc.tuple(fc.record(members), more).map(([known, extra]) => ({ ...known, ...extra }));
}

interface Call {
  operationId: string;
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  security: Record<string, unknown>[];
}

/** A request of any call of the document, each as likely. */
export const drawRequest: fc.Arbitrary<Drawn> = fc.oneof(
  ...Object.entries(document.paths as unknown as Record<string, Record<string, Call>>).flatMap(
    ([path, calls]) => Object.entries(calls).map(([method, call]) => drawCall(path, method, call)),
  ),
);

function drawCall(path: string, method: string, call: Call): fc.Arbitrary<Drawn> {
  const parameters = (call.parameters ?? []).map(({ name, in: place, required, schema }) =>
    fc
      .oneof(
        { weight: required ? 20 : 1, arbitrary: drawValue(schema, name) },
        { weight: place === 'path' ? 0 : required ? 1 : 3, arbitrary: fc.constant(undefined) },
      )
      .map((value) => ({ name, in: place, value })),
  );
  const [type, content] = Object.entries(call.requestBody?.content ?? {})[0] ?? [null, null];
  return fc.record<Drawn>({
    id: fc.constant(call.operationId),
    method: fc.constant(method.toUpperCase()),
    path: fc.constant(path),
    security: fc.constantFrom(...call.security.map((requirement) => Object.keys(requirement))),
    parameters: fc.tuple(...parameters),
    type: fc.constant(type),
    body: content === null ? fc.constant(undefined) : drawValue(content.schema, ''),
    as: fc.constantFrom(
      'right',
      'right',
      'right',
      'right',
      'client',
      'other client',
      'user',
      'cookie',
      'wrong',
      'none',
    ),
    after: fc.oneof(
      { weight: 20, arbitrary: fc.nat({ max: 20 }) },
      { weight: 1, arbitrary: fc.nat({ max: 100_000 }) },
    ),
  });
}
