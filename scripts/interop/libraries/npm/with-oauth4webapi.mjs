import * as oauth from 'oauth4webapi';
import { alg, audience, issuer, verifyEach } from './each-token.mjs';

// Only for plain http on this machine.
const options = { [oauth.allowInsecureRequests]: true };
const url = new URL(issuer);
const discovered = await oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' });
const as = await oauth.processDiscoveryResponse(url, discovered);
await verifyEach((token) => {
  const request = new Request('http://api.example/', {
    headers: { authorization: `Bearer ${token}` },
  });
  return oauth.validateJwtAccessToken(as, request, audience, {
    ...options,
    signingAlgorithms: [alg],
  });
});
