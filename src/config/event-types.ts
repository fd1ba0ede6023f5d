/**
 * The types of events, and what each is to those who are told of it. A new type begins here. Types
 * then ask for its text on the page for people (http/account/texts/en.ts) and its place in
 * sessions/presented.ts; tests ask for the other languages and the tables of docs/security-log.md.
 * One that ends a session is counted by security-log/count-events.ts.
 */

type Trait =
  /** A team would act on it: an endpoint of WEBHOOKS gets it unless it names its own. */
  | 'actionable'
  /** The session ends by it, and so a Security Event Token may tell of it. */
  | 'ending'
  /** Somebody else than the person may have caused it: the page asks "Was this you?". */
  | 'unusual'
  /** Operators are shown it among what is suspicious. */
  | 'suspicious'
  /** Its line in the log is a warning, so that a team can be alerted to it. */
  | 'warning';

/** The events of the security log. */
const SESSION_EVENTS = {
  session_created: [],
  /** A session of support staff began, who act as the user. */
  support_access: ['actionable'],
  /** The user had sessions, but none on such a device. */
  new_device: ['actionable', 'unusual'],
  /** Refreshed from another network, or otherwise a little different. */
  context_changed: [],
  /** Refreshed, although the caller looks like someone else. */
  mismatch: ['actionable', 'unusual', 'suspicious', 'warning'],
  /**
   * A superseded token was refreshed late, by whoever had superseded it: the answer had been lost.
   */
  answer_recovered: ['actionable', 'unusual', 'suspicious'],
  /** The person proved anew who they are (step-up). */
  authenticated: [],
  reauthentication_demanded: ['actionable', 'unusual', 'warning'],
  reuse_detected: ['actionable', 'ending', 'unusual', 'suspicious', 'warning'],
  session_evicted: ['actionable', 'ending'],
  session_revoked: ['actionable', 'ending'],
} as const satisfies Record<string, readonly Trait[]>;
export type SessionEventType = keyof typeof SESSION_EVENTS;
export const SESSION_EVENT_TYPES = Object.keys(SESSION_EVENTS) as SessionEventType[];

export const sessionEventsThatAre = (trait: Trait): readonly SessionEventType[] =>
  SESSION_EVENT_TYPES.filter((type) => (SESSION_EVENTS[type] as readonly Trait[]).includes(trait));

/** The events of the audit log: what clients did by capabilities that reach other people. */
export const AUDIT_EVENT_TYPES = [
  /** A backend ended the sessions of a person. */
  'user_signed_out',
  /** A backend ended one session. */
  'session_signed_out',
  /** A backend changed the sessions of a person. */
  'user_sessions_changed',
  /** A backend changed one session. */
  'session_changed',
  /** A backend started a session of support staff, who act as a person. */
  'user_impersonated',
  /** A backend took in sessions of another system. */
  'sessions_imported',
  'user_erased',
  'user_exported',
  /** An operator moved a person to another home. */
  'user_moved',
  'home_drained',
  'not_before_set',
  'deliveries_replayed',
  'signing_keys_revoked',
] as const;
export type AuditEventType = (typeof AUDIT_EVENT_TYPES)[number];

/** The events that a webhook can get. */
export const EVENT_TYPES = [...SESSION_EVENT_TYPES, ...AUDIT_EVENT_TYPES] as const;
export type EventType = (typeof EVENT_TYPES)[number];
