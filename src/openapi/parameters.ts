/** Parameters that several calls take. */
import * as v from 'valibot';
import { issuedName, paging, uuid } from '../calls/fields';
import { IDEMPOTENCY_SECONDS } from '../sessions/idempotency-age';
import type { Parameter, Schema } from './operation';

/** The members of a schema as parameters of the query. */
export const queryOf = (entries: Readonly<Record<string, Schema>>): Parameter[] =>
  Object.entries(entries).map(([name, schema]) => ({ name, schema: withoutNull(schema) }));

/** A query has no null. */
const withoutNull = (schema: Schema): Schema =>
  schema.type === 'nullish' ? (schema as unknown as { wrapped: Schema }).wrapped : schema;

export const PAGING = queryOf(paging);

export const SESSION_ID: Parameter = { name: 'id', schema: uuid, isRequired: true };

/** The parameters that name a person: the id, or an identity provider's name in the query. */
export const WHOSE: { path: readonly Parameter[]; query: readonly Parameter[] } = {
  path: [
    {
      name: 'user_id',
      schema: v.union([uuid, v.literal('by-subject')]),
      description:
        'The id of a user, or the session id of a guest; or `by-subject`, with `issuer` and `subject` in the query.',
      isRequired: true,
    },
  ],
  query: queryOf(issuedName.entries).map((parameter) => ({
    ...parameter,
    description: `With \`by-subject\` in the path, and only then: the ${parameter.name} of the person.`,
  })),
};

/** The members of a call's input beside those that name the person. */
export function besideWhose<Entries extends v.ObjectEntries>(
  schema: v.StrictObjectSchema<Entries, undefined>,
): Omit<Entries, 'user_id' | 'user'> {
  const { user_id: _, user: __, ...entries } = schema.entries;
  return entries;
}

const BOOKMARK: Parameter = {
  name: 'X-D1-Bookmark',
  schema: v.string(),
  description: 'That of the last answer, so that no list is older than what was done or seen.',
};
/** The headers of every call below `/v1` and `/oauth`. */
export const API_HEADERS: readonly Parameter[] = [BOOKMARK];

export const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  schema: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,255}$/)),
  description: `A repeat within ${IDEMPOTENCY_SECONDS / 3_600} hours gives the same session.`,
};
