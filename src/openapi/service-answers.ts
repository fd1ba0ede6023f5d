/** The answers about users, to operators, and to anyone about the service. */
import * as v from 'valibot';
import { anyObject, maybeTime, ofHomes, paged, text } from './session-answers';

const integer = v.pipe(v.number(), v.integer());

export const foundUser = v.object({
  user: v.object({
    id: v.pipe(v.string(), v.uuid()),
    issuer: v.string(),
    subject: v.string(),
    created_at: maybeTime,
  }),
});
export const heldRecords = v.object({
  records: v.array(v.object({ home: v.string(), table: v.string(), row: anyObject })),
  ...paged,
});

export const homeState = v.object({
  home: v.string(),
  regions: v.array(v.string()),
  jurisdiction: text,
  new_users: v.string(),
  answers: v.boolean(),
  unfinished_moves: v.nullable(integer),
});
export const homeStates = v.object({ homes: v.array(homeState) });
export const drained = v.object({ moved: integer, ...paged });
export const moved = v.object({ user_id: v.string(), home: v.string(), moved: v.boolean() });
export const notBefore = v.object({ not_before: maybeTime });

export const delivery = v.object({
  event_id: v.string(),
  event_type: v.string(),
  endpoint: v.string(),
  state: v.picklist(['pending', 'refused', 'dead']),
  attempts: integer,
  next_attempt_at: maybeTime,
  last_error: text,
});
export const imported = v.object({
  sessions: v.array(
    v.object({
      outcome: v.picklist(['taken', 'already_there', 'left']),
      reason: v.optional(v.string()),
    }),
  ),
});
export const deliveries = v.object({ deliveries: v.array(delivery), ...paged });
export const replayed = v.object({ replayed: integer });

export const signingKey = v.object({
  kid: v.string(),
  alg: v.string(),
  state: v.picklist(['waiting', 'signing', 'verifying', 'retired', 'revoked']),
  created_at: maybeTime,
  activates_at: maybeTime,
});
export const signingKeys = v.object({ keys: v.array(signingKey) });
export const revokedKeys = v.object({
  revoked: v.array(v.string()),
  signing: text,
  refused_here_within: integer,
  refused_by_verifiers_within: integer,
});

export const auditEvent = v.object({
  id: v.string(),
  type: v.string(),
  created_at: maybeTime,
  client_id: text,
  target: v.object({
    type: text,
    id: text,
    id_sha256: v.optional(v.string()),
    session_id_sha256: v.optional(v.string()),
  }),
  reason: text,
  details: anyObject,
  request_id: text,
  homes: v.array(v.string()),
});
export const auditEvents = v.object({ events: v.array(auditEvent), ...ofHomes });

const cleanupRun = v.object({
  started_at: maybeTime,
  duration_ms: integer,
  expired: integer,
  revoked: integer,
  idle: integer,
  idempotency_keys: integer,
  events: integer,
  finished: v.boolean(),
  overdue_seconds: integer,
});
export const stats = v.object({
  since: maybeTime,
  counts: v.array(
    v.object({ name: v.string(), label: v.string(), recent: integer, total: integer }),
  ),
  hourly: v.array(v.object({ hour: maybeTime, name: v.string(), value: integer })),
  homes: v.array(
    v.object({
      home: v.string(),
      active_sessions: v.nullable(integer),
      counted_until: maybeTime,
      cleanup_runs: v.array(cleanupRun),
    }),
  ),
  unanswered_homes: v.optional(v.array(v.string())),
});

/** RFC 8414 §2. */
export const serverMetadata = v.object({
  issuer: v.string(),
  jwks_uri: v.string(),
  token_endpoint: v.string(),
  revocation_endpoint: v.string(),
  introspection_endpoint: v.string(),
  grant_types_supported: v.array(v.string()),
  scopes_supported: v.optional(v.array(v.string())),
  response_types_supported: v.array(v.string()),
  token_endpoint_auth_methods_supported: v.array(v.string()),
  revocation_endpoint_auth_methods_supported: v.array(v.string()),
  introspection_endpoint_auth_methods_supported: v.array(v.string()),
});

/** RFC 7517 §5. The members of a key are those of its kind (RFC 7518 §6, RFC 8037 §2). */
export const keySet = v.object({
  keys: v.array(
    v.objectWithRest(
      {
        kty: v.string(),
        kid: v.string(),
        alg: v.string(),
        use: v.literal('sig'),
      },
      v.unknown(),
    ),
  ),
});

export const revocationList = v.object({
  salt: v.string(),
  sessions: v.string(),
  not_before: v.string(),
  complete: v.boolean(),
  missing: v.optional(v.array(v.string())),
});
export const formerRevocationList = v.object({
  sessions: v.array(v.string()),
  not_before: v.record(v.string(), integer),
  complete: v.boolean(),
});

export const health = v.object({
  status: v.picklist(['ok', 'degraded']),
  refused_clients: v.optional(integer),
  database_unavailable: v.optional(v.literal(true)),
  cron_late: v.optional(v.literal(true)),
  last_cleanup_at: maybeTime,
});
