/** A call to a database that takes as long as a test wants, whatever the speed of the machine. */
import { expect } from 'vitest';
import { eventually } from './eventually';
import { type Fault, startService, type TestService } from './fixtures';

interface HeldCall {
  /** For `faults` of a database. */
  fault: Fault;
  /** Resolves once the call has come. */
  hasCome: Promise<void>;
  /** Lets the call go on. */
  release(): void;
}

export function holdCall(): HeldCall {
  const { promise: hasCome, resolve: come } = Promise.withResolvers<void>();
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  const meanwhile = () => {
    come();
    return isReleased;
  };
  return { fault: { meanwhile }, hasCome, release };
}

export const IMPATIENCE_MS = 250;

/**
 * Another isolate of a service, which soon gives up a database that is silent. It knows the signing
 * keys, so that its next call is the one that a test holds. Whatever else it asks may be late on a
 * busy machine, and so is asked of the service itself.
 */
export async function startImpatient({ env, clock }: TestService): Promise<TestService> {
  const { DB: _, ...variables } = env;
  const impatient = await startService(
    { ...variables, D1_TIMEOUT_MS: String(IMPATIENCE_MS) },
    clock,
  );
  await eventually(async () =>
    expect((await impatient.request('/.well-known/jwks.json')).status).toBe(200),
  );
  Object.assign(impatient.database, { roundTrips: 0, rowsWritten: 0 });
  return impatient;
}
