/**
 * An OpenID provider for tests: real keys, discovery and JWKS, on a network that tests can break.
 */
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { START } from '../fixtures';

export const PROVIDER = 'https://id.example';
export const CLIENT_AT_PROVIDER = 'web-at-the-provider';

export interface Provider {
  send: typeof fetch;
  /** What was asked for. */
  asked: string[];
  /** How redirects were to be treated. */
  redirects: Set<string | undefined>;
  /** Who asked, as requests name themselves. */
  userAgents: Set<string | null>;
  /** Replaces an answer; undefined: the provider's own. */
  answer: (path: string) => Response | Promise<Response> | undefined;
  rotate(): Promise<void>;
  /**
   * Signs an ID token, good unless `claims` or `header` say otherwise; `null` leaves a claim out.
   */
  idToken(
    claims?: Record<string, unknown>,
    header?: Record<string, unknown>,
    key?: CryptoKey | Uint8Array,
  ): Promise<string>;
  publicKey: () => JWK;
  privateKey: () => CryptoKey;
}

export async function openProvider(issuer = PROVIDER, clock = { now: START }): Promise<Provider> {
  let keys: { kid: string; privateKey: CryptoKey; jwk: JWK }[] = [];
  const provider: Provider = {
    asked: [],
    redirects: new Set(),
    userAgents: new Set(),
    answer: () => undefined,
    send: async (input, init) => {
      provider.redirects.add(init?.redirect as string | undefined);
      provider.userAgents.add(new Headers(init?.headers).get('user-agent'));
      const { hostname, pathname } = new URL(input instanceof Request ? input.url : `${input}`);
      provider.asked.push(pathname);
      const replaced = await provider.answer(pathname);
      if (replaced !== undefined) return replaced;
      if (hostname !== new URL(issuer).hostname) return new Response('', { status: 404 });
      if (pathname.endsWith('/.well-known/openid-configuration'))
        return Response.json({ issuer, jwks_uri: `${issuer}/keys` });
      return pathname.endsWith('/keys')
        ? Response.json({ keys: keys.map(({ jwk }) => jwk) })
        : new Response('', { status: 404 });
    },
    rotate: async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
      const kid = crypto.randomUUID();
      keys = [
        {
          kid,
          privateKey,
          jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
        },
      ];
    },
    idToken: async (claims = {}, header = {}, key) => {
      const second = Math.floor(clock.now / 1000);
      const all = {
        iss: issuer,
        aud: CLIENT_AT_PROVIDER,
        sub: 'someone',
        iat: second,
        exp: second + 300,
        jti: crypto.randomUUID(),
        ...claims,
      };
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
      const [own] = keys as [(typeof keys)[0]];
      return new SignJWT(payload)
        .setProtectedHeader({ alg: 'ES256', kid: own.kid, ...header })
        .sign(key ?? own.privateKey);
    },
    publicKey: () => (keys[0] as (typeof keys)[0]).jwk,
    privateKey: () => (keys[0] as (typeof keys)[0]).privateKey,
  };
  await provider.rotate();
  return provider;
}
