/**
 * Client authentication: HTTP Basic, or in the form (RFC 6749 §2.3.1), or the bare client_id of a
 * public client.
 */
import { createMiddleware } from 'hono/factory';
import type { Client } from '../../config/clients';
import { findClient as clientOf } from '../../config/refused-clients';
import { equalDigests, sha256 } from '../../crypto';
import type { Service } from '../../service/service';
import { throttleFailure } from '../../service/throttle';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import { toProblemError } from '../refusals';
import { type Credentials, parseBasic } from './basic-credentials';
import { loggableClaim, readClaim } from './claimed-client';

/** For routes of backends: HTTP Basic credentials. The operation checks what the client may do. */
export const clientAuth = (service: Service) =>
  createMiddleware<AppEnv>(async function clientAuth(c, next) {
    await authenticateClient(c, service, new Map());
    await next();
  });

/**
 * Authenticates the client that calls. Throws `invalid_client`, which does not say whether the
 * client exists. Failures count for the claimed client and the caller's address: beyond the limit
 * they are answered `too_many_requests`, while the right secret still succeeds.
 */
export async function authenticateClient(
  c: AppContext,
  service: Service,
  form: ReadonlyMap<string, string>,
): Promise<Client> {
  const header = c.req.header('authorization');
  return header === undefined
    ? findAuthenticated(c, service, readForm(form))
    : authenticateByHeader(c, service, header, form);
}

/** Authenticates by a header alone; a form beside it has to agree with it. */
export async function authenticateByHeader(
  c: AppContext,
  service: Service,
  header: string,
  form: ReadonlyMap<string, string> = new Map(),
): Promise<Client> {
  if (!/^basic\b/i.test(header)) throw await rejected(c, service, [], WRONG_SCHEME);
  if (form.has('client_secret') || header.includes(','))
    throw new ProblemError('invalid_request', 'Use one way of client authentication, not two');
  const readings = parseBasic(header);
  const named = form.get('client_id');
  const own = named === undefined ? readings : readings.filter(({ id }) => id === named);
  if (readings.length > 0 && own.length === 0)
    throw new ProblemError('invalid_request', 'client_id is not that of the Authorization header');
  return findAuthenticated(c, service, own);
}

/** The client whose credentials one of the readings is. Throws `invalid_client`. */
async function findAuthenticated(
  c: AppContext,
  service: Service,
  readings: readonly Credentials[],
): Promise<Client> {
  // All readings are compared, whichever is right, so that the time of the answer tells nothing.
  const clients = await Promise.all(readings.map((reading) => findClient(service, reading)));
  const client = clients.find((found) => found !== undefined);
  if (client === undefined) throw await rejected(c, service, readings);
  if (clients[0] === undefined) logUnencoded(c, client);
  return identified(c, client);
}

/** The credentials of a form, which has no empty parameters any more. */
function readForm(form: ReadonlyMap<string, string>): readonly Credentials[] {
  const id = form.get('client_id');
  return id === undefined ? [] : [{ id, secret: form.get('client_secret') ?? '' }];
}

/** The client whose credentials these are. An empty secret is none, as it is in a form. */
async function findClient(
  { config }: Service,
  { id, secret }: Credentials,
): Promise<Client | undefined> {
  const client = clientOf(config, id);
  // An unknown client costs the same hash and comparison as a known one.
  const hashes =
    client === undefined || client.isBound ? [UNKNOWN_CLIENT_HASH] : client.secretHashes;
  if (hashes.length === 0) return secret === '' ? client : undefined;
  const digest = await sha256(secret);
  const matches = hashes.map((hash) => equalDigests(hash, digest));
  return secret !== '' && matches.includes(true) ? client : undefined;
}

/** Logs the cause for a team that wonders why another server refuses the same credentials. */
function logUnencoded(c: AppContext, { id }: Client): void {
  console.debug(
    JSON.stringify({
      level: 'debug',
      event: 'basic_credentials_unencoded',
      request_id: c.get('caller').requestId,
      client_id: id,
    }),
  );
}

/** The log line names the client, too, whatever becomes of the request. */
function identified(c: AppContext, client: Client): Client {
  c.set('client', client);
  return client;
}

const UNKNOWN_CLIENT_HASH = 'A'.repeat(43);

const CHALLENGE = 'Basic realm="edge-sessions", charset="UTF-8"';
const WRONG_CREDENTIALS = 'The client is unknown or its credentials are wrong';
const WRONG_SCHEME =
  'The Authorization header must be Basic, with the client_id and secret of a client; no token is taken here';

async function rejected(
  c: AppContext,
  service: Service,
  readings: readonly Credentials[],
  detail = WRONG_CREDENTIALS,
): Promise<ProblemError> {
  c.set('claimedClientId', await loggableClaim(readings, service.config.clients));
  // Each claimed id counts by itself, because the limit must not tell whether the client exists,
  // either.
  const claim = readClaim(readings[0]?.id);
  const throttled = await throttleFailure(c.get('caller'), service, claim ?? '');
  if (throttled !== null) return toProblemError(throttled.refusal);
  // RFC 6749 §5.2: the challenge is for a caller that sent the header. After a page's own request
  // without one, a browser would ask the person for a password.
  const isChallenged = c.req.header('authorization') !== undefined;
  return new ProblemError('invalid_client', {
    detail,
    ...(isChallenged && { headers: { 'WWW-Authenticate': CHALLENGE } }),
  });
}
