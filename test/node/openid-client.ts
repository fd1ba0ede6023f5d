/**
 * openid-client as an application has it: nothing is set but what plain http on localhost needs.
 */
import * as client from 'openid-client';
import { APP, BACKEND, ORIGIN } from './demo.ts';

const options: client.DiscoveryRequestOptions = {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests],
};

export const discoverAsApp = () =>
  client.discovery(new URL(ORIGIN), APP, undefined, client.None(), options);

export const discoverAsBackend = (
  authentication: client.ClientAuth = client.ClientSecretBasic(BACKEND.secret),
) => client.discovery(new URL(ORIGIN), BACKEND.id, undefined, authentication, options);
