/** JSON Schema (2020-12) of the schemas that the service validates by, and of its answers. */
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import { jsonObject, label } from '../calls/fields';
import { forBrowser, withTokens } from '../calls/start-calls';
import { oauthError, problem } from './described-errors';
import { FIELDS } from './field-descriptions';
import { assertionForm, exchangeForm, importedForm, refreshForm } from './oauth-operations';
import type { Schema } from './operation';
import * as service from './service-answers';
import * as sessions from './session-answers';
import { sessionChange } from './session-operations';

export type JsonSchema = { [member: string]: unknown };

/** The schemas that the document names; a schema that holds one of these refers to it. */
const NAMED: Readonly<Record<string, Schema>> = {
  NewSession: withTokens.ofUser,
  NewSupportSession: withTokens.ofSupport,
  NewBrowserSession: forBrowser.ofUser,
  NewSupportBrowserSession: forBrowser.ofSupport,
  SessionChange: sessionChange,
  RefreshForm: refreshForm,
  AssertionForm: assertionForm,
  ExchangeForm: exchangeForm,
  ImportedForm: importedForm,
  Session: sessions.managedSession,
  OwnSession: sessions.ownSession,
  Location: sessions.location,
  Warning: sessions.warning,
  SessionTokens: sessions.sessionTokens,
  HandedOff: sessions.handedOff,
  AppTokens: sessions.appTokens,
  ExchangedToken: sessions.exchangedToken,
  SecurityEvent: sessions.securityEvent,
  AuditEvent: service.auditEvent,
  HomeState: service.homeState,
  Delivery: service.delivery,
  SigningKey: service.signingKey,
  ServerMetadata: service.serverMetadata,
  Problem: problem,
  OAuthError: oauthError,
};

/** Replacements for the parts of a schema that are checked by code. */
const OVERRIDDEN = new Map<unknown, JsonSchema>([
  [label, { type: 'string', minLength: 1, maxLength: 80 }],
  [jsonObject, { type: 'object' }],
]);

const CONFIG: ConversionConfig = {
  target: 'draft-2020-12',
  // The form in which a value is sent, before it is trimmed, cut off or read.
  typeMode: 'input',
  ignoreActions: ['check', 'trim', 'to_lower_case'],
  definitions: NAMED as never,
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  overrideSchema: ({ valibotSchema }) => OVERRIDDEN.get(valibotSchema) as never,
  overrideAction: ({ valibotAction, jsonSchema }) =>
    valibotAction.type === 'regex'
      ? {
          ...jsonSchema,
          pattern: (valibotAction as unknown as { requirement: RegExp }).requirement.source,
        }
      : null,
};

export function toSchema(schema: Schema): JsonSchema {
  const { $schema: _, $defs: __, ...converted } = toJsonSchema(schema as never, CONFIG);
  return describe(converted) as JsonSchema;
}

/** The schemas that have a name. */
export function namedSchemas(): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(NAMED).map(([name, schema]) => {
      const { [name]: _, ...others } = NAMED;
      const {
        $schema: __,
        $defs: ___,
        ...converted
      } = toJsonSchema(schema as never, {
        ...CONFIG,
        definitions: others as never,
      });
      return [name, describe(converted) as JsonSchema];
    }),
  );
}

/** A member of the same name is the same thing wherever it stands. */
function describe(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(describe);
  if (typeof part !== 'object' || part === null) return part;
  const { properties, ...rest } = part as JsonSchema;
  const described = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, describe(value)]),
  );
  if (properties === undefined) return described;
  const members = Object.entries(properties as JsonSchema).map(([name, member]) => {
    const inner = describe(member) as JsonSchema;
    const description = inner.description ?? FIELDS[name];
    return [name, description === undefined ? inner : { ...inner, description }];
  });
  return { ...described, properties: Object.fromEntries(members) };
}
