/**
 * What the Worker itself will find wrong with its variables, by its own rules. Deployed, a mistake
 * in one of them is `503` for everyone, and one in a client's entry refuses that client and says so
 * in the log alone.
 */
import { randomBytes } from 'node:crypto';
import { bundleModule } from '../bundle-client.ts';

interface Rules {
  parseConfig: (env: Record<string, unknown>) => {
    refusedClients: ReadonlyMap<string, readonly string[]>;
  };
}

/** `bindings` are the names of the databases. */
export async function findMistakes(
  vars: Readonly<Record<string, unknown>>,
  bindings: readonly string[],
): Promise<string[]> {
  const code = Buffer.from(await bundleModule('src/config/config.ts')).toString('base64');
  const rules: Rules = await import(`data:text/javascript;base64,${code}`);
  try {
    const { refusedClients } = rules.parseConfig(asDeployed(vars, bindings));
    return unique([...refusedClients.values()].flat());
  } catch (error) {
    const { mistakes } = error as { mistakes?: readonly string[] };
    if (mistakes === undefined) throw error;
    return unique(mistakes);
  }
}

/** What only the deployed Worker has, databases and secrets, stands in for itself. */
function asDeployed(vars: Readonly<Record<string, unknown>>, bindings: readonly string[]) {
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
