/** What the bodies of the routes of browsers may hold. */
import * as v from 'valibot';

export const signInSchema = v.strictObject({
  client_id: v.string(),
  id_token: v.string(),
  nonce: v.pipe(v.string(), v.minLength(16)),
  persistent: v.optional(v.boolean()),
});

/** Whom the access token is to be for (RFC 8707), where a page holds it. */
export const refreshSchema = v.strictObject({ resource: v.optional(v.string()) });
