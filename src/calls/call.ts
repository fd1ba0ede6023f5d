/**
 * The calls of backends, which are the same by every door: a call takes JSON, checks it, does one
 * operation of service/, and answers JSON or a refusal. HTTP's routes for backends, the RPC
 * entrypoint and an app that mounts the service share them, so that no two doors can differ in what
 * they take, allow or answer.
 */
import type * as v from 'valibot';
import type { Warned } from '../client/rpc';
import type { Grant } from '../config/authority';
import type { Capability } from '../config/clients';
import { authorize } from '../service/authorize';
import type { ClientCaller } from '../service/caller';
import type { Result } from '../service/refusal';
import type { Service } from '../service/service';
import { parseInput } from './parse';
import { logWarnings, warningsOf } from './warnings';

/** `outcome` is for the log line, where it says more than that there was no refusal. */
export type Called<Value> = Result<{ value: Value; outcome?: string }>;

export type Call<Value> = (
  caller: ClientCaller,
  service: Service,
  input: unknown,
) => Promise<Called<Value>>;

/**
 * Defines a call that needs a capability; null: the token in its input decides. A caller without
 * the capability is refused before the input is looked at.
 */
export function defineCall<
  C extends Capability | null,
  Schema extends v.GenericSchema,
  Value extends object,
>(
  capability: C,
  schema: Schema,
  run: (
    caller: ClientCaller,
    service: Service,
    input: v.InferOutput<Schema>,
    grant: C extends Capability ? Grant<C> : null,
  ) => Promise<Called<Value>>,
): Call<Value & Warned> & { input: Schema } {
  const call: Call<Value & Warned> = async (caller, service, input) => {
    const authorized = capability === null ? null : authorize(caller.client, capability);
    if (authorized?.ok === false) return authorized;
    const parsed = parseInput(schema, input);
    if (!parsed.ok) return parsed;
    const grant = (authorized?.grant ?? null) as C extends Capability ? Grant<C> : null;
    const called = await run(caller, service, parsed.input, grant);
    const warnings = warningsOf(input, parsed.input);
    if (warnings.length === 0) return called;
    logWarnings(caller, warnings);
    return called.ok ? { ...called, value: { ...called.value, warnings } } : called;
  };
  return Object.assign(call, { input: schema });
}
