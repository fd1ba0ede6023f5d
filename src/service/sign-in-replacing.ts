/** Signing in in a browser, which has one session at a time: the former one ends. */
import type { SessionCookie } from '../tokens/session-cookie';
import type { Caller } from './caller';
import { endReplaced } from './end-by-cookies';
import { verifySessionCookie } from './present-cookie';
import type { Service } from './service';
import { type SignInInput, type SignInResult, signIn } from './sign-in';

/** A refusal leaves the former session as it is. Throws as `signIn` does. */
export async function signInReplacing(
  caller: Caller,
  service: Service,
  input: SignInInput,
  cookie: SessionCookie | null,
): Promise<SignInResult> {
  const former = await verifySessionCookie(cookie, service);
  const result = await signIn(caller, service, input);
  // A browser that repeats its sign-in may have had the answer, and then this is its own session.
  if (result.ok && former?.token.sessionId !== result.session.id)
    await endReplaced(caller, service, former);
  return result;
}
