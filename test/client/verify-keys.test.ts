/** The service's keys as a resource server keeps them: how long, and what an outage does. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createAccessTokenVerifier, type VerifierOptions } from '../../src/client/verify';
import { AUDIENCE, ISSUER, startService } from '../fixtures';

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM signing_keys');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

type Answer = (jwks: () => Promise<Response>) => Response | Promise<Response>;

async function start(options: Partial<VerifierOptions> = {}, variables = {}) {
  const service = await startService({ ACCESS_TOKEN_TTL_SECONDS: '86400', ...variables });
  const network = { reads: 0, answer: ((jwks) => jwks()) as Answer };
  const verifier = createAccessTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    now: () => service.clock.now,
    fetch: async (input, init) => {
      network.reads += 1;
      return network.answer(async () => service.app.request(new Request(input, init)));
    },
    ...options,
  });
  const verify = async (token: string) => {
    const verdict = await verifier.verify(token);
    return verdict.ok ? 'ok' : verdict.error;
  };
  const { access_token: token } = await service.create();
  return { service, network, verify, token };
}

/** A token whose header names a key that there is not. */
function withKid(token: string, kid: string): string {
  const [header, ...rest] = token.split('.') as [string, ...string[]];
  const named = { ...JSON.parse(atob(header.replaceAll('-', '+').replaceAll('_', '/'))), kid };
  const text = btoa(JSON.stringify(named));
  return [text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''), ...rest].join('.');
}

describe('a key set is kept as long as its Cache-Control says (RFC 9111 §5.2.2.1)', () => {
  it.each([
    [
      'as the service says',
      { JWKS_MAX_AGE_SECONDS: '120' },
      (jwks: () => Promise<Response>) => jwks(),
      120,
    ],
    [
      'less what caches on the way took',
      {},
      withHeaders({ 'cache-control': 'max-age=120', age: '50' }),
      70,
    ],
    ['by default', {}, withHeaders({}), 300],
    ['never less than the cool-down', {}, withHeaders({ 'cache-control': 'no-store' }), 5],
  ] as [string, object, Answer, number][])('%s', async (_, variables, answer, seconds) => {
    const { service, network, verify, token } = await start({}, variables);
    network.answer = answer;
    expect(await verify(token)).toBe('ok');
    service.advance(seconds - 1);
    expect(await verify(token)).toBe('ok');
    expect(network.reads).toBe(1);
    service.advance(1);
    expect(await verify(token)).toBe('ok');
    expect(network.reads).toBe(2);
  });

  it('a key that was withdrawn is refused after that', async () => {
    const { service, network, verify, token } = await start();
    expect(await verify(token)).toBe('ok');
    const other = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'other', alg: 'EdDSA' };
    network.answer = () => Response.json({ keys: [other] });
    service.advance(300);
    expect(await verify(token)).toBe('invalid_token');
  });

  function withHeaders(headers: Record<string, string>): Answer {
    return async (jwks) => new Response((await jwks()).body, { headers });
  }
});

describe('an outage is no verdict on a token', () => {
  const hang = () => new Promise<Response>(() => {});
  const outages: [string, Answer][] = [
    ['does not answer', () => Promise.reject(new TypeError('Network connection lost'))],
    ['hangs', hang],
    ['answers 500', () => new Response('{"keys":[]}', { status: 500 })],
    ['answers no JSON', () => new Response('<html>')],
    ['answers null', () => Response.json(null)],
    ['has no keys', () => Response.json({})],
    ['has an empty key set', () => Response.json({ keys: [] })],
    ['has a key set of rubbish', () => Response.json({ keys: [{}] })],
    ['has keys that are no list', () => Response.json({ keys: { a: 1 } })],
    ['redirects', () => Response.redirect('https://evil.example/')],
    ['answers a megabyte', () => Response.json({ keys: [], padding: 'x'.repeat(2 ** 20) })],
  ];

  it.each(outages)(
    'of a service that %s: a known key stays good for an hour',
    async (_, answer) => {
      const { service, network, verify, token } = await start();
      network.answer = answer;
      expect(await verify(token)).toBe('unavailable');
      network.answer = (jwks) => jwks();
      service.advance(5);
      expect(await verify(token)).toBe('ok');
      network.answer = answer;
      service.advance(3_599);
      expect(await verify(token)).toBe('ok');
      service.advance(1);
      expect(await verify(token)).toBe('unavailable');
      network.answer = (jwks) => jwks();
      service.advance(5);
      expect(await verify(token)).toBe('ok');
    },
  );

  it('a key of the set that cannot be imported is the set’s fault', async () => {
    const { network, verify, token } = await start();
    network.answer = async (jwks) => {
      const { keys } = (await (await jwks()).json()) as { keys: object[] };
      return Response.json({ keys: keys.map((key) => ({ ...key, x: 'AA' })) });
    };
    expect(await verify(token)).toBe('unavailable');
  });

  it.each([
    ['is down', outages[0]?.[1] as Answer],
    ['hangs', hang],
  ])('an endpoint that %s is asked once a cool-down, by any number of calls', async (_, answer) => {
    const { service, network, verify, token } = await start();
    expect(await verify(token)).toBe('ok');
    network.answer = answer;
    service.advance(300);
    for (let call = 0; call < 20; call += 1) expect(await verify(token)).toBe('ok');
    expect(network.reads).toBe(2);
    service.advance(5);
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    expect(new Set(verdicts)).toEqual(new Set(['ok']));
    expect(network.reads).toBe(3);
  });

  it('calls at once, before any key is known, make one request', async () => {
    const { network, verify, token } = await start();
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    expect(new Set(verdicts)).toEqual(new Set(['ok']));
    expect(network.reads).toBe(1);
    const other = await start();
    other.network.answer = hang;
    const began = Date.now();
    await Promise.all(Array.from({ length: 20 }, () => other.verify(other.token)));
    expect(other.network.reads).toBe(1);
    // One after the other they would wait a minute, three seconds each.
    expect(Date.now() - began).toBeLessThan(30_000);
  });
});

describe('a key that is not in the set', () => {
  it('is asked for, so that a new one is good at once; forged ones cost one request a cool-down', async () => {
    const { service, network, verify, token } = await start();
    expect(await verify(token)).toBe('ok');
    service.advance(5);
    for (let forged = 0; forged < 20; forged += 1)
      expect(await verify(withKid(token, `forged-${forged}`))).toBe('invalid_token');
    expect(network.reads).toBe(2);
  });

  it('cannot be told of while the service is away; known ones go on', async () => {
    const { service, network, verify, token } = await start();
    expect(await verify(token)).toBe('ok');
    service.advance(5);
    network.answer = () => new Response('', { status: 503 });
    expect(await verify(withKid(token, 'new'))).toBe('unavailable');
    expect(await verify(withKid(token, 'new'))).toBe('unavailable');
    expect(await verify(token)).toBe('ok');
    expect(network.reads).toBe(2);
  });
});
