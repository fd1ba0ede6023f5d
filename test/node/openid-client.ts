/**
 * openid-client as an application has it: nothing is set but what plain http on localhost needs.
 */
import * as client from 'openid-client';
import { APP, BACKEND, ORIGIN } from './demo.ts';

const insecure = { execute: [client.allowInsecureRequests] };
const options: client.DiscoveryRequestOptions = { algorithm: 'oauth2', ...insecure };

export const discoverAsApp = () =>
  client.discovery(new URL(ORIGIN), APP, undefined, client.None(), options);

export const discoverAsBackend = (
  authentication: client.ClientAuth = client.ClientSecretBasic(BACKEND.secret),
) => client.discovery(new URL(ORIGIN), BACKEND.id, undefined, authentication, options);

/** By its default, which is the address of OpenID Connect. */
export const discoverByDefault = (issuer: string) =>
  client.discovery(new URL(issuer), APP, undefined, client.None(), insecure);
