/** Calls about a person, who is named by the id of this service or as an identity provider does. */
import * as v from 'valibot';
import type { Capability } from '../config/clients';
import type { ClientCaller } from '../service/caller';
import { invalid, type Result } from '../service/refusal';
import type { Service } from '../service/service';
import { identifyUser } from '../service/user-by-issued-name';
import type { IssuedName } from '../sessions/people';
import { type Called, defineCall } from './call';
import { issuedName, uuid } from './fields';

/** The names of a person, of which a call takes one. */
export const whose = { user_id: v.optional(uuid), user: v.optional(issuedName) };

interface Whose {
  user_id?: string | undefined;
  user?: IssuedName | undefined;
}

/** Defines a call as `defineCall` does; `userId` is a user's, or the session id of a guest. */
export function defineUserCall<
  C extends Capability,
  Entries extends v.ObjectEntries,
  Value extends object,
>(
  capability: C,
  entries: Entries,
  run: (
    caller: ClientCaller,
    service: Service,
    userId: string,
    input: v.InferOutput<v.StrictObjectSchema<Entries, undefined>>,
  ) => Promise<Called<Value>>,
) {
  const schema = v.strictObject({ ...entries, ...whose });
  return defineCall(capability, schema, async (caller, service, input): Promise<Called<Value>> => {
    const { user_id, user, ...rest } = input as Whose;
    const found = await toUserIdOf(caller, service, capability, { user_id, user });
    return found.ok ? run(caller, service, found.userId, rest as never) : found;
  });
}

/** The id of whoever is named. Refuses nobody, and two. */
export async function toUserIdOf(
  caller: ClientCaller,
  service: Service,
  capability: Capability,
  { user_id: userId, user }: Whose,
): Promise<Result<{ userId: string }>> {
  if ((userId === undefined) === (user === undefined))
    return invalid('Name the person by user_id, or by user');
  return user === undefined
    ? { ok: true, userId: userId as string }
    : identifyUser(caller, service, capability, user);
}
