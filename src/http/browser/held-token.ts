/**
 * Access tokens that the app's pages hold in memory, because their API is on another host than the
 * service and no cookie goes there. The refresh token stays in its cookie, so a script that reads
 * all that a page has gets a token of a few minutes, and the session only while the page is open.
 */
import type { Client } from '../../config/clients';
import type { Tokens } from '../../service/issue-tokens';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';

/**
 * An answer with a token is for pages of the client's own origins, which say so themselves. To be
 * called before the session moves on. Other pages of the service's own origin are not pages of the
 * client.
 */
export function assertMayHold(c: AppContext, { accessTokenIn, origins }: Client): void {
  if (accessTokenIn === 'cookie' || origins.includes(c.req.header('origin') ?? '')) return;
  throw new ProblemError(
    'cross_site_request',
    'The access token is for pages of the origins of the client',
  );
}

/**
 * The members of an answer that give the page its token (RFC 6749 §5.1); none where it has none.
 */
export function toHeldToken({ accessTokenIn }: Client, { accessToken }: Tokens) {
  return accessTokenIn === 'cookie' ? {} : { access_token: accessToken, token_type: 'Bearer' };
}
