/** `WEBHOOKS`: who is told of which security events. */
import * as v from 'valibot';
import { isTrustworthy } from '../origins';
import { oneOrTwo, parseList } from './json-list';

/** The events of the security log. */
export const SESSION_EVENT_TYPES = [
  'session_created',
  /** A session of support staff began, who act as the user. */
  'support_access',
  /** The user had sessions, but none on such a device. */
  'new_device',
  /** Refreshed from another network, or otherwise a little different. */
  'context_changed',
  /** Refreshed, although the caller looks like someone else. */
  'mismatch',
  /**
   * A superseded token was refreshed late, by whoever had superseded it: the answer had been lost.
   */
  'answer_recovered',
  /** The person proved anew who they are (step-up). */
  'authenticated',
  'reauthentication_demanded',
  'reuse_detected',
  'session_evicted',
  'session_revoked',
] as const;
export type SessionEventType = (typeof SESSION_EVENT_TYPES)[number];

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

/** An endpoint, and the events that it gets (Standard Webhooks). */
export interface Webhook {
  name: string;
  url: string;
  /** Signs what is sent; two while one replaces the other. */
  secrets: readonly Uint8Array[];
  events: ReadonlySet<EventType>;
  /** `json`, or only session revocations, each as a Security Event Token (RFC 8417). */
  format: 'json' | 'set';
}

/** The events that an endpoint gets unless it names its own: those that a team would act on. */
const ACTIONABLE_EVENTS: readonly EventType[] = [
  'support_access',
  'new_device',
  'mismatch',
  'answer_recovered',
  'reauthentication_demanded',
  'reuse_detected',
  'session_evicted',
  'session_revoked',
];

/** The events that end a session, because a Security Event Token tells of nothing else. */
const ENDING_EVENTS: readonly EventType[] = [
  'reuse_detected',
  'session_evicted',
  'session_revoked',
];

/** The secret in the specification of Standard Webhooks, and in what was copied from it. */
const SECRET_OF_EXAMPLES = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const webhooksSchema = v.array(
  v.strictObject({
    name: v.pipe(
      v.string(),
      v.regex(/^[a-z0-9_-]{1,64}$/, 'name must be 1 to 64 of a-z, 0-9, _ and -'),
    ),
    url: v.string(),
    secret: oneOrTwo,
    events: v.optional(v.pipe(v.array(v.picklist(EVENT_TYPES)), v.minLength(1))),
    format: v.optional(v.picklist(['json', 'set'])),
  }),
);

export function parseWebhooks(text: string | undefined, mistakes: string[]): Webhook[] {
  const names = new Set<string>();
  return parseList('WEBHOOKS', webhooksSchema, text, mistakes).map(
    ({
      name,
      url,
      secret,
      format = 'json',
      events = format === 'set' ? ENDING_EVENTS : ACTIONABLE_EVENTS,
    }) => {
      if (names.has(name)) mistakes.push(`WEBHOOKS: ${name} is there twice`);
      names.add(name);
      const parsed = URL.parse(url);
      if (parsed === null || !isTrustworthy(parsed))
        mistakes.push(`WEBHOOKS: ${name}: url must be an https URL (http only on localhost)`);
      if (parsed?.username || parsed?.password)
        mistakes.push(`WEBHOOKS: ${name}: url must have no credentials`);
      if (format === 'set' && events.some((type) => !ENDING_EVENTS.includes(type)))
        mistakes.push(
          `WEBHOOKS: ${name}: with format set, events can only be ${ENDING_EVENTS.join(', ')}`,
        );
      const secrets = secret.map(parseWebhookSecret);
      if (secrets.includes(null)) {
        mistakes.push(
          `WEBHOOKS: ${name}: secret must be whsec_ and 24 to 64 random bytes in base64`,
        );
      }
      if (secret.includes(SECRET_OF_EXAMPLES))
        mistakes.push(`WEBHOOKS: ${name}: secret is the one of the scheme's own examples`);
      return {
        name,
        url,
        secrets: secrets.filter((key) => key !== null),
        events: new Set(events),
        format,
      };
    },
  );
}

/** Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
function parseWebhookSecret(secret: string): Uint8Array | null {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  if (encoded === undefined) return null;
  try {
    const key = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    const isRandom = key.length >= 24 && key.length <= 64 && new Set(key).size >= 10;
    return isRandom ? key : null;
  } catch {
    return null;
  }
}
