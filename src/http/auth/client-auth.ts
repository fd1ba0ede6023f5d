/**
 * Client authentication: HTTP Basic, or in the form (RFC 6749 §2.3.1), or the bare client_id of a
 * public client.
 */
import { createMiddleware } from 'hono/factory';
import type { Grant } from '../../config/authority';
import type { Capability, Client } from '../../config/clients';
import { equalDigests, sha256 } from '../../crypto';
import { authorize } from '../../service/authorize';
import type { Service } from '../../service/service';
import { throttleFailure } from '../../service/throttle';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import { toProblemError } from '../refusals';
import { loggableClaim, readClaim } from './claimed-client';

/** For routes of backends: HTTP Basic credentials of a client that is allowed to do this. */
export const clientAuth = (service: Service, capability: Capability) =>
  createMiddleware<AppEnv>(async function clientAuth(c, next) {
    const client = await authenticateClient(c, service, new Map());
    requireGrant(client, capability);
    await next();
  });

/**
 * Who calls. Throws `invalid_client`, which does not say whether the client exists. Failures count
 * for the client that is claimed and the caller's address: beyond the limit they are told
 * `too_many_requests`, while the right secret still succeeds.
 */
export async function authenticateClient(
  c: AppContext,
  service: Service,
  form: ReadonlyMap<string, string>,
): Promise<Client> {
  const header = c.req.header('authorization');
  if (header !== undefined && (form.has('client_secret') || header.includes(','))) {
    throw new ProblemError('invalid_request', 'Use one way of client authentication, not two');
  }
  const basic = header === undefined ? null : parseBasic(header);
  if (header !== undefined && basic === null) throw await rejected(c, service, {});
  const id = basic?.id ?? form.get('client_id');
  const secret = basic?.secret ?? form.get('client_secret');
  if (basic !== null && form.has('client_id') && form.get('client_id') !== basic.id) {
    throw new ProblemError('invalid_request', 'client_id is not that of the Authorization header');
  }
  const client = id === undefined ? undefined : service.config.clients.get(id);
  // An unknown client costs the same hash and comparison as a known one.
  const hashes = client?.secretHashes ?? [UNKNOWN_CLIENT_HASH];
  if (hashes.length === 0) {
    if (secret === undefined) return identified(c, client as Client);
    throw await rejected(c, service, { id, secret });
  }
  const digest = await sha256(secret ?? '');
  const matches = hashes.map((hash) => equalDigests(hash, digest));
  if (client === undefined || secret === undefined || !matches.includes(true))
    throw await rejected(c, service, { id, secret });
  return identified(c, client);
}

/** For the log line too, whatever becomes of the request. */
function identified(c: AppContext, client: Client): Client {
  c.set('client', client);
  return client;
}

/** The grant that an operation asks for. Throws `client_not_allowed`. */
export function requireGrant<C extends Capability>(client: Client, capability: C): Grant<C> {
  const authorized = authorize(client, capability);
  if (!authorized.ok) throw toProblemError(authorized.refusal);
  return authorized.grant;
}

const UNKNOWN_CLIENT_HASH = 'A'.repeat(43);

async function rejected(
  c: AppContext,
  service: Service,
  { id, secret }: { id?: string | undefined; secret?: string | undefined },
): Promise<ProblemError> {
  const claim = readClaim(id);
  c.set('claimedClientId', await loggableClaim(claim, secret, service.config.clients));
  // Whether the client exists, the limit must not tell either, so each claim counts by itself.
  const throttled = await throttleFailure(c.get('caller'), service, claim ?? '');
  if (throttled !== null) return toProblemError(throttled.refusal);
  return new ProblemError('invalid_client', {
    detail: 'The client is unknown or its credentials are wrong',
    headers: { 'WWW-Authenticate': 'Basic realm="edge-sessions", charset="UTF-8"' },
  });
}

/** Both parts are form-urlencoded inside the base64 (RFC 6749 §2.3.1). */
function parseBasic(header: string): { id: string; secret: string } | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/=]{1,2048})$/i.exec(header) ?? [];
  if (encoded === undefined) return null;
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
    const colon = text.indexOf(':');
    if (colon < 1) return null;
    const decode = (part: string) => decodeURIComponent(part.replaceAll('+', ' '));
    return { id: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) };
  } catch {
    return null;
  }
}
