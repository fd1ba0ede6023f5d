/** What the bodies of the routes of browsers may hold. */
import * as v from 'valibot';
import { signals } from '../../calls/fields';

export const signInSchema = v.strictObject({
  client_id: v.string(),
  id_token: v.string(),
  nonce: v.pipe(v.string(), v.minLength(16)),
});

/** Whom the access token is to be for (RFC 8707), where a page holds it. */
export const refreshSchema = v.strictObject({ resource: v.optional(v.string()) });

/**
 * Who sent the cookie that a server forwards (null: the visitor told none), and whom the access
 * token is to be for.
 */
export const serverTokenSchema = v.strictObject({
  ...signals,
  resource: v.optional(v.string()),
});
