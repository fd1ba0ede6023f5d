/** The bodies of the routes of browsers. */
import * as v from 'valibot';
import { grantParameters } from '../../calls/fields';
import { ACCOUNTS } from '../../tokens/session-cookie';

export const signInSchema = v.strictObject({
  client_id: v.string(),
  id_token: v.string(),
  nonce: v.pipe(v.string(), v.minLength(16)),
  ...grantParameters,
  persistent: v.optional(v.boolean()),
});

const MUST_BE = `must be an index from 0 to ${ACCOUNTS.length - 1}`;
const index = v.picklist(ACCOUNTS, MUST_BE);

/** The body of a refresh by a page that holds its access token. */
export const refreshSchema = v.strictObject(grantParameters);
export const switchSchema = v.strictObject({ index, ...grantParameters });

/**
 * The account to sign out: the current one unless another is named, or all that the page's app may
 * end.
 */
export const signOutSchema = v.strictObject({
  index: v.optional(v.union([index, v.literal('all')], `${MUST_BE}, or all`)),
});
