/** oauth4webapi, which checks every response against its RFC. */
import * as oauth from 'oauth4webapi';
import { APP, BACKEND, ORIGIN } from './demo.ts';

export const insecure = { [oauth.allowInsecureRequests]: true };
export const app: oauth.Client = { client_id: APP };
export const backend: oauth.Client = { client_id: BACKEND.id };
export const asBackend = oauth.ClientSecretBasic(BACKEND.secret);

export async function discover(): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(ORIGIN);
  return oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
  );
}
