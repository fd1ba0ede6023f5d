/**
 * Finds the mistakes that the Worker will find in its variables, by the Worker's own code. Once it
 * is deployed, a mistake in one of them is `503` for everyone, and one in a client's entry refuses
 * that client and says so in the log alone.
 */
import { randomBytes } from 'node:crypto';
import { parseConfig } from '../config/config.ts';
import { ConfigError } from '../faults.ts';
import { findTextMistakes } from '../http/account/texts/check-texts.ts';

type Variables = Readonly<Record<string, unknown>>;

/** `bindings` are the names of the databases. */
export function findMistakes(vars: Variables, bindings: readonly string[]): string[] {
  try {
    const { refusedClients, texts } = parseConfig(asDeployed(vars, bindings) as never);
    return unique([...[...refusedClients.values()].flat(), ...findTextMistakes(texts)]);
  } catch (error) {
    if (error instanceof ConfigError) return unique(error.mistakes);
    throw error;
  }
}

/** Adds stand-ins for the databases and secrets, which only the deployed Worker has. */
function asDeployed(vars: Variables, bindings: readonly string[]) {
  const { TRUSTED_ISSUERS, ...others } = vars;
  return {
    ...others,
    // Which clients it may name is known only where no part of CLIENTS is a secret.
    ...(vars.CLIENTS !== undefined && { TRUSTED_ISSUERS }),
    ...Object.fromEntries(bindings.map((binding) => [binding, { prepare: () => {} }])),
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    ...(vars.SESSION_SECRET_PREVIOUS_ENDS_AT !== undefined && {
      SESSION_SECRET_PREVIOUS: randomBytes(32).toString('base64url'),
    }),
    // Secrets of [vars] are a fault of their own, which repeats no value.
    WEBHOOKS: undefined,
  };
}

const unique = (texts: readonly string[]) => [...new Set(texts)];
