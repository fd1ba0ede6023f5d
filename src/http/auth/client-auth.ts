/**
 * Client authentication: HTTP Basic, or in the form (RFC 6749 §2.3.1), or the bare client_id of a
 * public client.
 */
import { createMiddleware } from 'hono/factory';
import type { Grant } from '../../config/authority';
import type { Capability, Client } from '../../config/clients';
import type { Config } from '../../config/config';
import { equalDigests, sha256 } from '../../crypto';
import { authorize } from '../../service/authorize';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import { toProblemError } from '../refusals';

/** For routes of backends: HTTP Basic credentials of a client that is allowed to do this. */
export const clientAuth = (config: Config, capability: Capability) =>
  createMiddleware<AppEnv>(async function clientAuth(c, next) {
    const client = await authenticateClient(c, config, new Map());
    requireGrant(client, capability);
    await next();
  });

/** Who calls. Throws `invalid_client`, which does not say whether the client exists. */
export async function authenticateClient(
  c: AppContext,
  config: Config,
  form: ReadonlyMap<string, string>,
): Promise<Client> {
  const header = c.req.header('authorization');
  if (header !== undefined && (form.has('client_secret') || header.includes(','))) {
    throw new ProblemError('invalid_request', 'Use one way of client authentication, not two');
  }
  const basic = header === undefined ? null : parseBasic(header);
  if (header !== undefined && basic === null) throw rejected();
  const id = basic?.id ?? form.get('client_id');
  const secret = basic?.secret ?? form.get('client_secret');
  if (basic !== null && form.has('client_id') && form.get('client_id') !== basic.id) {
    throw new ProblemError('invalid_request', 'client_id is not that of the Authorization header');
  }
  const client = id === undefined ? undefined : config.clients.get(id);
  // An unknown client costs the same hash and comparison as a known one.
  const hashes = client?.secretHashes ?? [UNKNOWN_CLIENT_HASH];
  if (hashes.length === 0) {
    if (secret === undefined) return identified(c, client as Client);
    throw rejected();
  }
  const digest = await sha256(secret ?? '');
  const matches = hashes.map((hash) => equalDigests(hash, digest));
  if (client === undefined || secret === undefined || !matches.includes(true)) throw rejected();
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

function rejected(): ProblemError {
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
