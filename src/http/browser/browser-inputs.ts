/** What the bodies of the routes of browsers may hold. */
import * as v from 'valibot';
import { asked } from '../../calls/fields';

export const signInSchema = v.strictObject({
  client_id: v.string(),
  id_token: v.string(),
  nonce: v.pipe(v.string(), v.minLength(16)),
  ...asked,
  persistent: v.optional(v.boolean()),
});

/** Where a page holds its access token. */
export const refreshSchema = v.strictObject(asked);
