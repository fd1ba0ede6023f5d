/**
 * The calls between this browser and the service, as the network saw them. No page can see them:
 * the cookies are `HttpOnly`. Tokens are kept whole only where a thief would keep one, in this
 * process.
 */
import { cookiesNamed, parseSessionCookie, SESSION_COOKIE } from '../tokens/session-cookie';

export interface SeenCall {
  method: string;
  path: string;
  status: number;
  /** Why the service refused, where it said so. */
  reason: string | null;
  /** Short names of the refresh tokens; null where there is none. */
  presented: string | null;
  given: string | null;
}

const MOST_CALLS = 200;
const calls = new Map<string, SeenCall>();
/** The cookie from before the last refresh, by the session's id. */
const replaced = new Map<string, string>();

export const findCall = (requestId: string): SeenCall | undefined => calls.get(requestId);
export const findReplaced = (sessionId: string): string | undefined => replaced.get(sessionId);

/** Called with each request to the service and what it answered. */
export async function see(request: Request, response: Response): Promise<void> {
  const requestId = response.headers.get('x-request-id');
  const { pathname } = new URL(request.url);
  if (requestId === null || !/\/browser\/(refresh|sign-out)$/.test(pathname)) return;
  const [before] = cookiesNamed(request.headers.get('cookie'), SESSION_COOKIE);
  const after = response.headers
    .getSetCookie()
    .map((line) => cookiesNamed(line.split(';', 1)[0], SESSION_COOKIE)[0])
    .find((value) => value);
  const presented = await toName(before);
  const given = await toName(after);
  const sessionId = readPayload(before)?.sid;
  if (before && given !== null && given !== presented && sessionId !== undefined)
    remember(replaced, sessionId, before);
  const { method } = request;
  const { status } = response;
  const reason = await toReason(response.clone());
  remember(calls, requestId, { method, path: pathname, status, reason, presented, given });
}

function remember<Value>(kept: Map<string, Value>, key: string, value: Value): void {
  kept.delete(key);
  kept.set(key, value);
  const [oldest] = kept.keys();
  if (kept.size > MOST_CALLS && oldest !== undefined) kept.delete(oldest);
}

async function toReason(response: Response): Promise<string | null> {
  if (response.ok) return null;
  const { reason = null, type = null } = await response
    .json<{ reason?: string; type?: string }>()
    .catch(() => ({ reason: undefined, type: undefined }));
  return reason ?? type?.split(':').at(-1) ?? null;
}

/** A short name for a refresh token, by its secret, so that one token has one name. */
async function toName(cookie: string | undefined): Promise<string | null> {
  const payload = readPayload(cookie);
  if (payload === null) return null;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(payload.secret));
  return [...new Uint8Array(digest.slice(0, 3))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

/**
 * Reads the content of a cookie's refresh token. Nothing is verified, because the cookie is the
 * caller's own.
 */
function readPayload(cookie: string | undefined): { sid: string; secret: string } | null {
  const token = parseSessionCookie(cookie ?? null)?.refreshToken;
  const payload = token?.replace(/^v2\./, '').split('.')[1];
  try {
    return JSON.parse(atob((payload ?? '').replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return null;
  }
}

/** The session of the cookie in a `Cookie` header. */
export function sessionOf(cookies: string | null): string | null {
  const [cookie] = cookiesNamed(cookies, SESSION_COOKIE);
  return readPayload(cookie)?.sid ?? null;
}
