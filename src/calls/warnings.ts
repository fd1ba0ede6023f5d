/**
 * Warnings: parts of its input that a call did not take, although it was done. The answer and the
 * log name them, because the team that runs the caller and its proxies has to learn of them;
 * neither repeats the value. A refusal has no warnings, because its text may be shown to the
 * person.
 */
import type { Warning } from '../client/rpc';
import type { ClientCaller } from '../service/caller';

const NO_ADDRESS: Warning = {
  code: 'address_unreadable',
  field: 'ip_address',
  detail: 'ip_address is not the IPv4 or IPv6 address of a visitor, and was taken as null',
};

/** `sent` is what the schema made `taken` of. */
export function warningsOf(sent: unknown, taken: unknown): Warning[] {
  return isText(addressIn(sent)) && addressIn(taken) === null ? [NO_ADDRESS] : [];
}

const isText = (value: unknown) => typeof value === 'string';
const addressIn = (input: unknown): unknown => (input as { ip_address?: unknown }).ip_address;

export function logWarnings(
  { requestId, client }: ClientCaller,
  warnings: readonly Warning[],
): void {
  for (const { code, detail } of warnings)
    console.warn(
      JSON.stringify({
        level: 'warn',
        event: code,
        request_id: requestId,
        client_id: client.id,
        detail,
      }),
    );
}
