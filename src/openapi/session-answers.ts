/** The answers about sessions, their tokens and their events. */
import * as v from 'valibot';

/** ISO 8601 in UTC. */
export const time = v.pipe(v.string(), v.isoTimestamp());
export const maybeTime = v.nullable(time);
export const anyObject = v.record(v.string(), v.unknown());
export const text = v.nullable(v.string());
const integer = v.pipe(v.number(), v.integer());
const id = v.pipe(v.string(), v.uuid());

export const location = v.object({ country: text, region: text, city: text });
const actor = v.object({ sub: v.string(), reason: v.string() });

const sessionEntries = {
  id,
  user_id: v.nullable(id),
  client_id: text,
  user_agent: text,
  device: text,
  label: text,
  ip_address: text,
  last_ip_address: text,
  location: v.nullable(location),
  created_at: maybeTime,
  expires_at: maybeTime,
  idle_expires_at: maybeTime,
  last_used_at: maybeTime,
  auth_time: maybeTime,
  amr: v.nullable(v.array(v.string())),
  acr: text,
  revoked_at: maybeTime,
  revoked_reason: text,
  act: v.nullable(actor),
};
/** A session as its own user sees it. */
export const ownSession = v.object({ ...sessionEntries, current: v.boolean() });
/** A session as backends see it. */
export const managedSession = v.object({ ...sessionEntries, metadata: v.nullable(anyObject) });

export const warning = v.object({
  code: v.literal('address_unreadable'),
  field: v.literal('ip_address'),
  detail: v.string(),
});
const warned = { warnings: v.optional(v.array(warning)) };

const accessToken = {
  access_token: v.string(),
  token_type: v.literal('Bearer'),
  expires_in: integer,
  scope: v.optional(v.string()),
};
const lifetime = {
  refresh_token_expires_in: v.nullable(integer),
  session_expires_at: maybeTime,
  idle_expires_at: maybeTime,
};
/** The claims of the access token, for an app to show. */
const claims = anyObject;

export const sessionTokens = v.object({
  session: managedSession,
  ...accessToken,
  refresh_token: v.string(),
  refresh_at: maybeTime,
  ...warned,
});
export const handedOff = v.object({
  session: managedSession,
  browser: v.object({ start_url: v.string(), expires_in: integer }),
  ...warned,
});
export const appTokens = v.object({
  claims,
  ...accessToken,
  refresh_token: v.string(),
  ...lifetime,
  refresh_at: maybeTime,
});
export const exchangedToken = v.object({
  ...accessToken,
  issued_token_type: v.literal('urn:ietf:params:oauth:token-type:access_token'),
});
export const importedTokens = v.object({
  ...appTokens.entries,
  issued_token_type: exchangedToken.entries.issued_token_type,
});
export const exchangedCookie = v.object({ ...accessToken, session: ownSession, ...warned });

/** The members that a page is given of a session in its browser's cookies. */
const given = {
  session: ownSession,
  access_token: v.optional(v.string()),
  token_type: v.optional(v.literal('Bearer')),
  claims,
  expires_in: integer,
  refresh_at: maybeTime,
};
export const signedIn = v.object(given);
export const refreshedInBrowser = v.object({ ...given, ...lifetime });

export const oneOwnSession = v.object({ session: ownSession });
export const oneManagedSession = v.object({ session: managedSession });

export const accountsOfBrowser = v.object({
  sessions: v.array(
    v.object({
      index: integer,
      current: v.boolean(),
      id: v.string(),
      user_id: text,
      display_name: text,
      client_id: text,
    }),
  ),
});

/** Members of a page of a list. */
export const paged = { next_cursor: text };
/** The members of a list that several homes answer. */
export const ofHomes = { ...paged, unanswered_homes: v.optional(v.array(v.string())) };

export const ownSessions = v.object({ sessions: v.array(ownSession), ...paged });
export const managedSessions = v.object({ sessions: v.array(managedSession), ...ofHomes });

const signalValue = v.nullable(v.union([v.string(), v.number()]));
export const securityEvent = v.object({
  id: v.string(),
  type: v.string(),
  created_at: maybeTime,
  user_id: text,
  session_id: text,
  client_id: text,
  by: text,
  by_client_id: v.optional(v.string()),
  reason: v.optional(v.string()),
  act: v.optional(actor),
  device: v.optional(text),
  ip_address: v.optional(text),
  location: v.optional(v.nullable(location)),
  risk: v.optional(
    v.object({
      score: integer,
      level: v.string(),
      reasons: v.array(v.string()),
      changes: v.array(v.object({ signal: v.string(), from: signalValue, to: signalValue })),
    }),
  ),
  answer: v.optional(v.picklist(['yes', 'no'])),
  left_out: v.optional(integer),
  request_id: text,
});
export const ownEvents = v.object({ events: v.array(securityEvent), ...paged });
export const managedEvents = v.object({ events: v.array(securityEvent), ...ofHomes });

export const revokedCount = v.object({ revoked: integer });
export const updatedCount = v.object({ updated: integer });

/** RFC 7662 §2.2. */
export const introspection = v.union([
  v.object({ active: v.literal(false) }),
  v.objectWithRest(
    {
      active: v.literal(true),
      token_type: v.picklist(['Bearer', 'refresh_token']),
      iss: v.string(),
      sub: v.string(),
      sid: v.string(),
      client_id: text,
      iat: integer,
      exp: v.optional(integer),
      scope: v.optional(v.string()),
    },
    v.unknown(),
  ),
]);
