/** What the calls of operators answer. */

/** ISO 8601 in UTC. */
type Time = string;

/** What a client did by a capability that reaches other people. */
export interface AuditEvent {
  id: string;
  type: string;
  created_at: Time | null;
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
  reason: string | null;
  details: Record<string, unknown>;
  request_id: string | null;
  /** Where it was carried out. */
  homes: string[];
}

export interface AuditPage {
  events: AuditEvent[];
  next_cursor: string | null;
  unanswered_homes?: string[];
}

export interface HomeState {
  home: string;
  regions: string[];
  jurisdiction: string | null;
  new_users: string;
  answers: boolean;
  unfinished_moves: number | null;
}

export interface Delivery {
  event_id: string;
  event_type: string;
  endpoint: string;
  state: string;
  attempts: number;
  next_attempt_at: Time | null;
  last_error: string | null;
}

export interface SigningKey {
  kid: string;
  alg: string;
  state: 'waiting' | 'signing' | 'verifying' | 'retired' | 'revoked';
  created_at: Time | null;
  activates_at: Time | null;
}

/** How often something happened: every name and label is in docs/metrics.md. */
export interface Count {
  name: string;
  label: string;
  /** In the hours that were asked for. */
  recent: number;
  /** Since the service counts. */
  total: number;
}

/** A run of the clean-up that got to its end, and the rows of each kind that it deleted. */
export interface CleanupRun {
  started_at: Time | null;
  duration_ms: number;
  expired: number;
  revoked: number;
  idle: number;
  idempotency_keys: number;
  events: number;
  /** false: it left dead rows for the next run. */
  finished: boolean;
  /** How long ago the oldest row should have been deleted that is left; 0: there is none. */
  overdue_seconds: number;
}

export interface HomeStats {
  home: string;
  /** null: the first walk over all its sessions is not over. */
  active_sessions: number | null;
  /** What happened later is not counted yet; null: nothing is. */
  counted_until: Time | null;
  /** The last 96, the newest first. */
  cleanup_runs: CleanupRun[];
}

export interface Stats {
  /** When the first of the hours that were asked for began; the last one is not over. */
  since: Time | null;
  counts: Count[];
  /**
   * The same by the hour, the oldest first, over all labels; and how many sessions were active when
   * the hour was counted last (`active_sessions`). What did not happen in an hour is left out.
   */
  hourly: { hour: Time | null; name: string; value: number }[];
  homes: HomeStats[];
  /** Homes that did not answer, whose numbers are missing. */
  unanswered_homes?: string[];
}
