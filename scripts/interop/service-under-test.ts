/**
 * The service as `npm start` runs it, behind a proxy that adds a key of this command to its JWKS:
 * with it, tokens are signed that differ from the real ones in one thing.
 */
import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { SIGNING_ALGS, type SigningAlg } from '../../src/config/signing-key-policy.ts';
import { AUDIENCE, type Service, startService } from '../../test/node/service.ts';
import { completeDevVars } from '../dev-vars.ts';
import type { TriedService } from './part.ts';
import { makeTokens } from './tokens.ts';

const KID = 'of-the-interop-command';

export interface RunningService {
  tried: TriedService;
  stop(): Promise<void>;
}

export async function startServiceUnderTest(alg: SigningAlg): Promise<RunningService> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: KID, alg, use: 'sig' };
  const others = await Promise.all(SIGNING_ALGS.filter((other) => other !== alg).map(makeKey));
  let added: JWK[] = [jwk];
  let target = '';
  const proxy = createServer((incoming, outgoing) => {
    if (incoming.url === '/.well-known/jwks.json')
      withKeys(target, added).then(
        (text) => outgoing.setHeader('content-type', 'application/jwk-set+json').end(text),
        (error) => outgoing.writeHead(502).end(String(error)),
      );
    else {
      const { method, headers, url } = incoming;
      const passedOn = forward(new URL(url ?? '/', target), { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      passedOn.on('error', (error) => outgoing.writeHead(502).end(String(error)));
      incoming.pipe(passedOn);
    }
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  const issuer = `http://localhost:${(proxy.address() as AddressInfo).port}`;
  let service: Service | null = null;
  try {
    const variables = { ISSUER: issuer, ACCESS_TOKEN_ALG: alg };
    service = await startService(
      Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    );
    target = service.origin;
    const { DEMO_CLIENT_ID: id = '', DEMO_CLIENT_SECRET: secret = '' } = completeDevVars(
      service.devVarsFile,
    );
    const client = { id, secret };
    const signer = { kid: KID, alg, privateKey, publicKey };
    const tokens = await makeTokens({ issuer, client, signer });
    const withOtherKeys: TriedService['withOtherKeys'] = async (run) => {
      added = [...others, jwk];
      return run().finally(() => {
        added = [jwk];
      });
    };
    const tried = { alg, issuer, audience: AUDIENCE, client, tokens, withOtherKeys };
    return { tried, stop: () => stop(proxy, service) };
  } catch (error) {
    await stop(proxy, service);
    throw error;
  }
}

async function makeKey(alg: SigningAlg): Promise<JWK> {
  const { publicKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(publicKey)), kid: `another-of-${alg}`, alg, use: 'sig' };
}

/** Those of the service behind these. */
async function withKeys(target: string, added: readonly JWK[]): Promise<string> {
  const { keys } = (await (await fetch(`${target}/.well-known/jwks.json`)).json()) as {
    keys: JWK[];
  };
  return JSON.stringify({ keys: [...added, ...keys] });
}

async function stop(proxy: Server, service: Service | null): Promise<void> {
  proxy.closeAllConnections();
  proxy.close();
  await service?.stop();
}
