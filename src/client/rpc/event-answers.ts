/** The answers of the calls that read the security log. */

/** ISO 8601 in UTC. */
type Time = string;

/** Where a request came from, as Cloudflare tells it; null where it does not. */
export interface Location {
  /** ISO 3166-1 alpha-2: "DE". */
  country: string | null;
  /** "Bavaria" */
  region: string | null;
  /** "Munich" */
  city: string | null;
}

/** An event of a session (docs/security-log.md has every type). */
export interface SecurityEvent {
  /** The same in the log line (`event_id`) and the webhook (`webhook-id`). */
  id: string;
  /** "session_created", "reuse_detected" … More types may come. */
  type: string;
  /** When it happened. */
  created_at: Time | null;
  /** null: a guest's. */
  user_id: string | null;
  /** null: of no session. */
  session_id: string | null;
  /** The app that the session is for. */
  client_id: string | null;
  /** The actor: "user", "client" or "system"; null: the bearer of a credential, whoever that is. */
  by: string | null;
  /** The client that asked for it, where one did. */
  by_client_id?: string;
  /** Of an end: why. */
  reason?: string;
  /** Of `support_access`: who acts as the user, and why. */
  act?: { sub: string; reason: string };
  /** "Firefox on Linux", of the request; null: it told none. */
  device?: string | null;
  /** Of the request, as `ADDRESS_STORAGE` keeps it; null: unknown. */
  ip_address?: string | null;
  /** Of the request; null: unknown. */
  location?: Location | null;
  /** The differences from the session's last use, and their weight: `score` is 0 to 100. */
  risk?: {
    score: number;
    level: string;
    reasons: string[];
    changes: { signal: string; from: string | number | null; to: string | number | null }[];
  };
  /** The person's answer to whether it was them. */
  answer?: 'yes' | 'no';
  /** How many more of this type the session had in the hour, beyond the limit. */
  left_out?: number;
  /** Of the request that caused it; null: none did. */
  request_id: string | null;
}

/** A page of the security log. */
export interface EventPage {
  /** The newest first. */
  events: SecurityEvent[];
  /** The `cursor` of the next page; null: this is the last. */
  next_cursor: string | null;
  /** Homes whose part is missing, because they did not answer. */
  unanswered_homes?: string[];
}
