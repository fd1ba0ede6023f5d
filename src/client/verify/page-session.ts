/** The session as a server sees it that renders a page, with the browser's cookies in hand. */
import type { AccessTokenClaims, Verdict } from './access-token-verdict';
import { hasSessionCookie, type RequestHead, readCookieToken } from './presented-token';

/** The states are those of the client in the page: `active`, `signed_out`, `unknown`. */
export type PageSession =
  | {
      state: 'active';
      /** null: a guest. */
      userId: string | null;
      /** All of them verified. */
      claims: AccessTokenClaims;
    }
  /**
   * `unknown`: the browser has a session, but no access token that is good now. The page's client
   * refreshes it, or the server asks `POST /browser/token`. It is no reason to send anyone away to
   * sign in.
   */
  | { state: 'signed_out' | 'unknown'; userId: null; claims: null };

/** `origin` is the one whose own pages may change something. */
export async function readPageSession(
  request: RequestHead,
  origin: string,
  verify: (token: string) => Promise<Verdict>,
): Promise<PageSession> {
  const presented = readCookieToken(request, origin);
  // A request that may not use the cookie is not told that there is one.
  if (!presented.ok && presented.error !== 'no_token') return NOBODY;
  const verdict = presented.ok ? await verify(presented.token) : null;
  if (verdict?.ok) {
    const { claims } = verdict;
    return { state: 'active', userId: claims.guest ? null : (claims.uid ?? claims.sub), claims };
  }
  const mayBeThere = hasSessionCookie(request) || verdict?.error === 'unavailable';
  return mayBeThere ? { ...NOBODY, state: 'unknown' } : NOBODY;
}

const NOBODY = { state: 'signed_out', userId: null, claims: null } as const;
