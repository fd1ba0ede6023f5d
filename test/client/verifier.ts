/** A resource server with the product's own verifier, which reaches a test's service directly. */
import { createAccessTokenVerifier, type VerifierOptions } from '../../src/client/verify';
import { AUDIENCE, ISSUER, type TestService } from '../fixtures';

export function verifierOf(
  { app, clock }: Pick<TestService, 'app' | 'clock'>,
  options: Partial<VerifierOptions> = {},
) {
  return createAccessTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    fetch: async (input, init) => app.request(new Request(input, init)),
    now: () => clock.now,
    ...options,
  });
}
