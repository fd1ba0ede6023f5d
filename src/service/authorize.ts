/** The grant that an operation asks for, or the refusal that every door gives instead. */
import { type Grant, grantOf } from '../config/authority';
import type { Capability, Client } from '../config/clients';
import { type Result, refuse } from './refusal';

export function authorize<C extends Capability>(
  client: Client,
  capability: C,
): Result<{ grant: Grant<C> }> {
  const grant = grantOf(client, capability);
  if (grant !== null) return { ok: true, grant };
  const detail = `The client is not allowed to ${capability.replaceAll('_', ' ')}`;
  return refuse({ code: 'client_not_allowed', detail });
}
