/**
 * The user of a path: `/v1/users/{user_id}/…`, or `/v1/users/by-subject/…` with `issuer` and
 * `subject` in the query.
 */
import type { AppContext } from '../context';
import { readListQuery, readQuery } from '../input';

const NAME = ['issuer', 'subject'];
const isByName = (c: AppContext) => c.req.param('user_id') === 'by-subject';

/** The user of a path, with the other parameters of the query. */
export function readWhose(c: AppContext, other: readonly string[] = []): Record<string, unknown> {
  return toWhose(c, readQuery(c, isByName(c) ? [...NAME, ...other] : other));
}

/** The same for a list. */
export function readWhoseList(
  c: AppContext,
  other: readonly string[] = [],
): Record<string, unknown> {
  return toWhose(c, readListQuery(c, isByName(c) ? [...NAME, ...other] : other));
}

function toWhose(c: AppContext, query: Record<string, unknown>): Record<string, unknown> {
  if (!isByName(c)) return { ...query, user_id: c.req.param('user_id') };
  const { issuer, subject, ...rest } = query;
  return { ...rest, user: { issuer, subject } };
}
