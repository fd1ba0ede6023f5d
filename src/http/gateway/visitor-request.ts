/**
 * Reads the visitor's request, as the gateway that asks about it describes it. Gateways hand on the
 * visitor's own headers, so only headers that the gateway itself has set are believed, and only
 * from a caller that has proved to be a gateway.
 */
import type { Config } from '../../config/config';
import { parseAddress } from '../../risk/address';
import { isAllowedForm } from '../browser/allowed-form';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Caddy and Traefik set the first, ingress-nginx the second; Envoy asks by the method itself. */
const METHOD_HEADERS = ['X-Forwarded-Method', 'X-Original-Method'];

/**
 * The visitor's address, where the gateway says one that can be read. `X-Forwarded-For` is not
 * read, because proxies on the way to this service add to it, and this service does not know how
 * many there are.
 */
export function readVisitorAddress(c: AppContext): string | undefined {
  const text = c.req.header('X-Gateway-Visitor-Address')?.trim();
  return text === undefined || parseAddress(text) === null ? undefined : text;
}

export function wantsAccessToken(c: AppContext): boolean {
  return c.req.header('X-Gateway-Wants')?.trim().toLowerCase() === 'access-token';
}

/**
 * Behind a gateway that reads cookies, any request with the cookie counts as the person's own. A
 * browser adds the cookie whichever page made the request, so a request that changes something has
 * to come from a page of the client (same-site.ts). Reading is left to CORS, and links from
 * elsewhere have to find the person signed in. Throws `cross_site_request`.
 */
export function assertNotForged(c: AppContext, config: Config, clientId: string): void {
  const methods = [c.req.method, ...METHOD_HEADERS.map((name) => c.req.header(name))];
  const isSafeMethod = methods.every(
    (method) => method === undefined || SAFE_METHODS.includes(method.toUpperCase()),
  );
  // A WebSocket is opened by a GET of any page, and may then carry anything.
  const isWebSocket =
    c.req.header('sec-websocket-key') !== undefined ||
    c.req.header('sec-fetch-mode') === 'websocket' ||
    c.req.header('upgrade')?.toLowerCase() === 'websocket';
  if (isSafeMethod && !isWebSocket) return;
  const allowed = config.clients.get(clientId)?.origins ?? [];
  if (!isAllowedForm(c, new URL(config.issuer).origin, allowed))
    throw new ProblemError(
      'cross_site_request',
      'The origin of the request is not one of the client',
    );
}
