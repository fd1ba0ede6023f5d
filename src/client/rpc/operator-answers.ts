/** The answers of the operators' calls. */

/** ISO 8601 in UTC. */
type Time = string;

/** An act of a client by a capability that reaches other people. */
export interface AuditEvent {
  /** The same in the log line and the webhook. */
  id: string;
  /** "user_signed_out" … (docs/security-log.md has every type). More may come. */
  type: string;
  /** When it was done. */
  created_at: Time | null;
  /** The client that did it. */
  client_id: string | null;
  /**
   * `id_sha256` is of a person, whose id is there only while they are; `session_id_sha256` is of
   * their session, where it alone was ended.
   */
  target: {
    type: string | null;
    id: string | null;
    id_sha256?: string;
    session_id_sha256?: string;
  };
  /** The reason that the client gave; null: none. */
  reason: string | null;
  /** Further facts of the act, by type. */
  details: Record<string, string | number | readonly string[]>;
  /** Of the request, or call, that did it. */
  request_id: string | null;
  /** Where it was carried out. */
  homes: string[];
}

/** A page of the audit log. */
export interface AuditPage {
  /** The newest first. */
  events: AuditEvent[];
  /** The `cursor` of the next page; null: this is the last. */
  next_cursor: string | null;
  /** Homes whose part is missing, because they did not answer. */
  unanswered_homes?: string[];
}

/** A database that sessions live in (docs/homes.md). */
export interface HomeState {
  /** The name of its binding. */
  home: string;
  /** The regions whose users it takes: location hints of D1. */
  regions: string[];
  /** Where D1 keeps the data; null: nobody said. */
  jurisdiction: string | null;
  /** The users who begin in it: "any", "named" or "none". */
  new_users: string;
  /** Whether it answered just now. */
  answers: boolean;
  /** Of users on their way out of it; null: it did not answer. */
  unfinished_moves: number | null;
}

/** A message to a webhook that was not taken yet. */
export interface Delivery {
  /** The id of the event; `webhook-id` of the message. */
  event_id: string;
  /** Its type. */
  event_type: string;
  /** The `name` of the webhook. */
  endpoint: string;
  /** "pending", "refused" or "dead". */
  state: string;
  /** How often it was sent. */
  attempts: number;
  /** null: it is sent no more by itself. */
  next_attempt_at: Time | null;
  /** The failure of the last attempt; null: there was none. */
  last_error: string | null;
}

/** A key that access tokens are signed by; its public part is in the JWKS (RFC 7517). */
export interface SigningKey {
  /** Its RFC 7638 thumbprint. */
  kid: string;
  /** As in RFC 7518 §3.1: "EdDSA", "ES256" or "RS256". */
  alg: string;
  /** One signs at a time; `verifying` ones are published, `retired` ones are not. */
  state: 'waiting' | 'signing' | 'verifying' | 'retired' | 'revoked';
  /** When it was made. */
  created_at: Time | null;
  /** When it begins to sign. */
  activates_at: Time | null;
}

/** How often something happened: every name and label is in docs/metrics.md. */
export interface Count {
  /** The kind of event: "refreshes" … */
  name: string;
  /** Which of them, where there are kinds. */
  label: string;
  /** In the hours that were asked for. */
  recent: number;
  /** Since the service counts. */
  total: number;
}

/** A run of the clean-up that got to its end, and the rows of each kind that it deleted. */
export interface CleanupRun {
  /** When it began. */
  started_at: Time | null;
  /** Milliseconds that it took. */
  duration_ms: number;
  /** Sessions that were over by time. */
  expired: number;
  /** Sessions that had been ended. */
  revoked: number;
  /** Sessions that were over of inactivity. */
  idle: number;
  /** Keys older than a day. */
  idempotency_keys: number;
  /** Events older than `EVENT_RETENTION_SECONDS`. */
  events: number;
  /** false: it left dead rows for the next run. */
  finished: boolean;
  /** How long ago the oldest row should have been deleted that is left; 0: there is none. */
  overdue_seconds: number;
}

/** The numbers of one database. */
export interface HomeStats {
  /** The name of its binding. */
  home: string;
  /** null: the first walk over all its sessions is not over. */
  active_sessions: number | null;
  /** The time up to which events are counted; null: none are. */
  counted_until: Time | null;
  /** The last 96, the newest first. */
  cleanup_runs: CleanupRun[];
}

/** The service's numbers (docs/metrics.md). */
export interface Stats {
  /** When the first of the hours that were asked for began; the last one is not over. */
  since: Time | null;
  /** Over all homes. */
  counts: Count[];
  /**
   * The same by the hour, the oldest first, over all labels; and how many sessions were active when
   * the hour was counted last (`active_sessions`). Events that did not happen in an hour are left
   * out.
   */
  hourly: { hour: Time | null; name: string; value: number }[];
  /** Of each home by itself. */
  homes: HomeStats[];
  /** Homes that did not answer, whose numbers are missing. */
  unanswered_homes?: string[];
}
