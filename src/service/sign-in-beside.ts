/**
 * Signing in in a browser, beside the accounts that it has, or in the place of a former session.
 */
import { type Held, placeAccount } from './browser-accounts';
import type { Caller } from './caller';
import { endReplaced } from './end-by-cookies';
import { verifySessionCookie } from './present-cookie';
import type { Result } from './refusal';
import type { Service } from './service';
import { type SignInInput, type SignInResult, signIn } from './sign-in';

type SignedIn = Extract<SignInResult, { ok: true }>;

/**
 * A refusal leaves former sessions as they are. Whose account it is only the ID token tells, so a
 * session that finds no place ends at once. Throws as `signIn` does.
 */
export async function signInBeside(
  caller: Caller,
  service: Service,
  input: SignInInput,
  held: Held,
): Promise<Result<SignedIn & { index: number }>> {
  const result = await signIn(caller, service, input);
  if (!result.ok) return result;
  const { session, tokens } = result;
  const placed = await placeAccount(caller, service, held, input.client, async () => session);
  const own = { clientId: input.client.id, refreshToken: tokens.refreshToken };
  const replaced = placed.ok ? placed.former : await verifySessionCookie(own, service);
  // A browser that repeats its sign-in may have had the answer, and then this is its own session.
  if (!placed.ok || replaced?.token.sessionId !== session.id)
    await endReplaced(caller, service, replaced);
  return placed.ok ? { ...result, index: placed.index } : placed;
}
