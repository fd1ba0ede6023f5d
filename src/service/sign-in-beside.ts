/** Signs in in a browser, beside the accounts that it has, or in the place of a former session. */
import { type Held, type Place, placeAccount } from './browser-accounts';
import type { Caller } from './caller';
import { endReplaced } from './end-by-cookies';
import type { Result } from './refusal';
import type { Service } from './service';
import { type SignInInput, type SignInResult, signIn } from './sign-in';

type SignedIn = Extract<SignInResult, { ok: true }>;

/** A refusal leaves everything as it is, the ID token too. Throws as `signIn` does. */
export async function signInBeside(
  caller: Caller,
  service: Service,
  input: SignInInput,
  held: Held,
): Promise<Result<SignedIn & { index: number }>> {
  const { client } = input;
  let place: Place = { index: 0, former: null };
  const admit = async (userId: string) => {
    const newcomer = async () => ({ id: '', userId, act: null });
    const placed = await placeAccount(caller, service, held, { client, newcomer });
    if (!placed.ok) return placed;
    place = placed;
    return null;
  };
  const result = await signIn(caller, service, { ...input, admit });
  if (!result.ok) return result;
  const { index, former } = place;
  // A browser that repeats its sign-in may have had the answer, and then this is its own session.
  if (former?.token.sessionId !== result.session.id) await endReplaced(caller, service, former);
  return { ...result, index };
}
