/** `WEBHOOKS`: who is told of which security events. */
import * as v from 'valibot';
import { isTrustworthy } from '../origins';
import { EVENT_TYPES, type EventType, sessionEventsThatAre } from './event-types';
import { oneOrTwo, parseList } from './json-list';

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

/** The events that an endpoint gets unless it names its own. */
const ACTIONABLE: readonly EventType[] = sessionEventsThatAre('actionable');
/** A Security Event Token tells of nothing else. */
const ENDING: readonly EventType[] = sessionEventsThatAre('ending');

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
    ({ name, url, secret, format = 'json', events = format === 'set' ? ENDING : ACTIONABLE }) => {
      if (names.has(name)) mistakes.push(`WEBHOOKS: ${name} is there twice`);
      names.add(name);
      const parsed = URL.parse(url);
      if (parsed === null || !isTrustworthy(parsed))
        mistakes.push(`WEBHOOKS: ${name}: url must be an https URL (http only on localhost)`);
      if (parsed?.username || parsed?.password)
        mistakes.push(`WEBHOOKS: ${name}: url must have no credentials`);
      if (format === 'set' && events.some((type) => !ENDING.includes(type)))
        mistakes.push(
          `WEBHOOKS: ${name}: with format set, events can only be ${ENDING.join(', ')}`,
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
