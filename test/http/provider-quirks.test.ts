/**
 * What providers and their SDKs do in their own way: optional claims of another form (OpenID
 * Connect Core §2), and nonces that the app does not know, or knows in the clear where the token
 * has a hash. Neither keeps a provider's people out.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config/config';
import { sha256 } from '../../src/crypto';
import { APP, START, sha256Hex, startService, type TestService } from '../fixtures';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER, type Provider } from './provider';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const NOW = START / 1000;
const NONCE = 'a-nonce-of-sixteen-or-more';
const ORIGIN = 'https://app.sessions.example';

let lines: Record<string, unknown>[];
beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM used_assertions');
  lines = [];
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation((line) => lines.push(JSON.parse(line)));
  return () => vi.restoreAllMocks();
});

const issuers = (nonce?: string) =>
  JSON.stringify([{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER, ...(nonce && { nonce }) }]);

async function open(nonce?: string): Promise<{ service: TestService; provider: Provider }> {
  const clock = { now: START };
  const provider = await openProvider(PROVIDER, clock);
  const clients = [
    { client_id: APP, allow: ['refresh', 'sign_in'] },
    {
      client_id: 'web',
      allow: ['refresh', 'sign_in'],
      origins: [ORIGIN],
      return_urls: [`${ORIGIN}/`],
    },
  ];
  const variables = { CLIENTS: JSON.stringify(clients), TRUSTED_ISSUERS: issuers(nonce) };
  return { service: await startService(variables, clock, provider.send), provider };
}

async function exchange(service: TestService, assertion: string, nonce?: string) {
  const form = { grant_type: GRANT, assertion, client_id: APP, ...(nonce && { nonce }) };
  const response = await service.form('/oauth/token', form);
  const body = (await response.json()) as { access_token: string; reason?: string };
  return { status: response.status, body };
}

describe('an optional claim of another form', () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['amr as a text', { amr: 'pwd' }, { amr: undefined }],
    ['amr with a long URN', { amr: ['pwd', `urn:${'x'.repeat(40)}`] }, { amr: undefined }],
    ['amr with a number', { amr: [1] }, { amr: undefined }],
    ['acr as a number', { acr: 2 }, { acr: undefined }],
    ['acr as an object', { acr: {} }, { acr: undefined }],
    ['acr of 129 characters', { acr: 'x'.repeat(129) }, { acr: undefined }],
    ['auth_time that is no time', { auth_time: 'now' }, { auth_time: NOW }],
    ['auth_time below zero', { auth_time: -1 }, { auth_time: NOW }],
    ['auth_time as a list', { auth_time: [NOW] }, { auth_time: NOW }],
  ])('is dropped, and the log says which: %s', async (_, claims, taken) => {
    const { service, provider } = await open();
    const all = { auth_time: NOW - 30, amr: ['pwd'], acr: 'urn:acr:2' };
    const { status, body } = await exchange(service, await provider.idToken({ ...all, ...claims }));
    expect(status).toBe(200);
    const read = decodeJwt(body.access_token);
    const { auth_time, amr, acr } = read;
    expect({ auth_time, amr, acr }).toEqual({ ...all, ...taken });
    expect(lines.filter(({ event }) => event === 'assertion_claims_dropped')).toEqual([
      {
        level: 'warn',
        event: 'assertion_claims_dropped',
        request_id: expect.any(String),
        client_id: APP,
        issuer: PROVIDER,
        claims: Object.keys(claims),
      },
    ]);
  });

  // Dropped, the person would count as authenticated just now, which a step-up would believe.
  it.each([
    ['a fraction (RFC 7519 §2)', NOW - 30.5, NOW - 31],
    ['a text', `${NOW - 30}`, NOW - 30],
    ['a fraction in a text', `${NOW - 30.5}`, NOW - 31],
  ])('auth_time as %s is read, because it can be', async (_, told, taken) => {
    const { service, provider } = await open();
    const { body } = await exchange(service, await provider.idToken({ auth_time: told }));
    expect(decodeJwt(body.access_token).auth_time).toBe(taken);
    expect(lines.filter(({ event }) => event === 'assertion_claims_dropped')).toEqual([]);
  });

  it('auth_time in the future is no form, and is refused in any', async () => {
    const { service, provider } = await open();
    for (const auth_time of [NOW + 3600, `${NOW + 3600}`]) {
      const { status, body } = await exchange(service, await provider.idToken({ auth_time }));
      expect([status, body.reason]).toEqual([400, 'wrong_claims']);
    }
  });
});

const hex = await sha256Hex(NONCE);
const inBase64url = await sha256(NONCE);

describe('the nonce of an issuer', () => {
  const good = 200;
  const bad = 400;
  it.each<[string, string | undefined, [string | null, string | undefined, number][]]>([
    [
      'unless configured is the same on both sides, or on none',
      undefined,
      [
        [NONCE, NONCE, good],
        [null, undefined, good],
        [NONCE, undefined, bad],
        [null, NONCE, bad],
        [NONCE, `${NONCE}x`, bad],
      ],
    ],
    [
      'is needed on both sides where it is required',
      'required',
      [
        [NONCE, NONCE, good],
        [null, undefined, bad],
        [NONCE, undefined, bad],
        [null, NONCE, bad],
      ],
    ],
    [
      'may be one that the app cannot know where it is optional, but an app that has one needs it',
      'optional',
      [
        [NONCE, undefined, good],
        [null, undefined, good],
        [NONCE, NONCE, good],
        [NONCE, `${NONCE}x`, bad],
        [null, NONCE, bad],
      ],
    ],
    [
      'is the SHA-256 of the app’s where it is hashed',
      'sha256',
      [
        [hex, NONCE, good],
        [inBase64url, NONCE, good],
        [NONCE, NONCE, bad],
        [hex, hex, bad],
        [hex, undefined, bad],
        [null, NONCE, bad],
        [null, undefined, bad],
      ],
    ],
  ])('%s', async (_, policy, pairs) => {
    const { service, provider } = await open(policy);
    for (const [own, told, expected] of pairs) {
      const { status, body } = await exchange(
        service,
        await provider.idToken({ nonce: own }),
        told,
      );
      const reason = expected === bad ? 'wrong_nonce' : undefined;
      expect({ own, told, status, reason: body.reason }).toEqual({
        own,
        told,
        status: expected,
        reason,
      });
    }
  });

  it('ties a browser’s sign-in to the browser where it is optional, too', async () => {
    const { service, provider } = await open('optional');
    const signIn = async (own: string | null, nonce: string) =>
      service.request('/browser/sign-in', {
        method: 'POST',
        headers: {
          'sec-fetch-site': 'same-site',
          origin: ORIGIN,
          'content-type': 'application/json',
        },
        body: JSON.stringify({
          client_id: 'web',
          id_token: await provider.idToken({ nonce: own }),
          nonce,
        }),
      });
    expect((await signIn(NONCE, NONCE)).status).toBe(201);
    for (const own of [null, `${NONCE}x`]) {
      const refused = await signIn(own, NONCE);
      expect(refused.status).toBe(401);
      expect(await refused.json()).toMatchObject({
        code: 'assertion_refused',
        reason: 'wrong_nonce',
      });
    }
  });

  it('is configured by one of three words', () => {
    const parse = (nonce: string) => () =>
      parseConfig({ ...env, TRUSTED_ISSUERS: issuers(nonce) } as never);
    expect(parse('none')).toThrow(/TRUSTED_ISSUERS/);
  });
});
