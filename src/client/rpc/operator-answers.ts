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
