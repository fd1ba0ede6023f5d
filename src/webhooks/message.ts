/**
 * The message that an endpoint is sent: the event as JSON, or a session's end as a Security Event
 * Token (RFC 8417, CAEP session-revoked), signed by the Standard Webhooks scheme. The id of the
 * message is the event's, whichever attempt it is, so that a receiver can tell a repeat.
 */
import type { Webhook } from '../config/webhooks';
import { toEventView, toTold } from '../security-log/event-view';
import type { SessionEvent } from '../security-log/read-events';
import { sequenceOf } from '../security-log/sequence';
import { parseJson } from '../sessions/parse-json';
import { signClaims } from '../tokens/sign-claims';
import type { SigningKey } from '../tokens/signing-keys';

/** The content of a message. */
interface Told {
  event: SessionEvent;
  /** The metadata of the event's session, as it is now; null: there is none. */
  metadata: string | null;
}

export interface Message {
  headers: Record<string, string>;
  body: string;
}

/** The sender of messages. */
export interface Transmitter {
  issuer: string;
  /** Throws while no key can sign. */
  signingKey: () => Promise<SigningKey>;
  /** The page where a person is asked whether an event was them; null: there is nothing to ask. */
  reviewUrl: (event: SessionEvent) => Promise<string | null>;
}

/** The signed message at `now` (ms): a timestamp that is old would be refused as a replay. */
export async function toMessage(
  { event, metadata }: Told,
  { url, secrets, format }: Webhook,
  transmitter: Transmitter,
  now: number,
): Promise<Message> {
  const body =
    format === 'json'
      ? toJson(event, metadata, await transmitter.reviewUrl(event))
      : await toSecurityEventToken(event, url, transmitter, now);
  const timestamp = String(Math.floor(now / 1000));
  const signatures = secrets.map((secret) => sign(secret, `${event.id}.${timestamp}.${body}`));
  return {
    headers: {
      'Content-Type': format === 'json' ? 'application/json' : 'application/secevent+jwt',
      Accept: 'application/json',
      'webhook-id': event.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': (await Promise.all(signatures)).join(' '),
    },
    body,
  };
}

function toJson(event: SessionEvent, metadata: string | null, reviewUrl: string | null): string {
  const kept = parseJson<object>(metadata);
  const data = {
    ...toTold(event),
    ...(kept !== null && { metadata: kept }),
    ...(reviewUrl !== null && { review_url: reviewUrl }),
  };
  const sequence = sequenceOf(event);
  return JSON.stringify({ type: event.type, timestamp: data.created_at, sequence, data });
}

/** Standard Webhooks, symmetric signatures: `v1,` and HMAC-SHA-256 in base64. */
async function sign(secret: Uint8Array, content: string): Promise<string> {
  const key = await crypto.subtle.importKey(
    'raw',
    secret,
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content));
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(mac)))}`;
}

const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

/**
 * RFC 8417 §2.2; CAEP 1.0 §3.1. The token has no `exp` (RFC 8417 §2.2) and a `typ` of its own, so
 * that it passes for no other token (§4.5).
 */
async function toSecurityEventToken(
  event: SessionEvent,
  audience: string,
  { issuer, signingKey }: Transmitter,
  now: number,
): Promise<string> {
  const key = await signingKey();
  const { by, reason, user_id: userId, client_id: clientId } = toEventView(event);
  const header = { alg: key.alg, typ: 'secevent+jwt', kid: key.kid };
  return signClaims(key.privateKey, header, {
    ...(event.requestId !== null && { txn: event.requestId }),
    sequence: sequenceOf(event),
    // RFC 9493 §3.2.8 and CAEP's own member for the session.
    sub_id: {
      format: 'complex',
      session: { format: 'opaque', id: event.sessionId },
      ...(userId !== null && { user: { format: 'iss_sub', iss: issuer, sub: userId } }),
    },
    events: {
      [SESSION_REVOKED]: {
        event_timestamp: Math.floor(event.createdAt.getTime() / 1000),
        initiating_entity: by === 'client' ? 'admin' : by === 'user' ? 'user' : 'policy',
        reason_admin: { en: reason ?? event.type },
        ...(clientId !== null && { client_id: clientId }),
      },
    },
    iss: issuer,
    aud: audience,
    iat: Math.floor(now / 1000),
    jti: event.id,
  });
}
