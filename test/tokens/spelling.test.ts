/**
 * Every token has one spelling (RFC 4648 §3.5, RFC 7515 §2): another of the same bytes is refused,
 * whatever kind of token it is and wherever it is shown.
 */
import { env } from 'cloudflare:test';
import { base64url } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createAccessTokenVerifier } from '../../src/client/verify';
import { isCanonicalBase64url, isCompactJws } from '../../src/client/verify/compact-jws';
import { deriveKeyring } from '../../src/crypto';
import { openHandoff, sealHandoff } from '../../src/tokens/handoff-code';
import { AUDIENCE, BACKEND, basic, ISSUER, START, startService } from '../fixtures';
import { USER } from '../people';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Other texts that a lenient decoder reads the same bytes from. */
function respell(token: string): string[] {
  const last = token.split('.').at(-1) as string;
  const unused = { 0: 0, 2: 15, 3: 3 }[last.length % 4] as number;
  const bits = Array.from(
    { length: unused },
    (_, bit) => token.slice(0, -1) + ALPHABET[ALPHABET.indexOf(token.at(-1) as string) + bit + 1],
  );
  return [...bits, `${token}=`, `${token}==`, `${token}\n`, ` ${token}`, token.replace('.', ' .')];
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

describe('canonical base64url', () => {
  it('is what an encoder makes, of any length, and nothing else', () => {
    for (let length = 0; length < 40; length += 1) {
      const text = base64url.encode(crypto.getRandomValues(new Uint8Array(length)));
      expect(isCanonicalBase64url(text)).toBe(true);
      for (const character of length === 0 ? '' : ALPHABET) {
        const other = text.slice(0, -1) + character;
        const isOnly = base64url.encode(base64url.decode(other)) === other;
        expect(isCanonicalBase64url(other)).toBe(isOnly);
      }
      for (const wrong of ['=', ' ', '\n', '+', '/', 'é'])
        expect(isCanonicalBase64url(text + wrong)).toBe(false);
    }
    for (const length of [1, 5, 9]) expect(isCanonicalBase64url('A'.repeat(length))).toBe(false);
  });

  it('a compact JWS has three parts of it, and a length', () => {
    expect(isCompactJws('AA.AA.AA', 8)).toBe(true);
    expect(isCompactJws('AA.AA.AA', 7)).toBe(false);
    for (const text of ['', 'AA', 'AA.AA', 'AA.AA.AA.AA', 'AA.AB.AA', 'A.AA.AA'])
      expect(isCompactJws(text, 100)).toBe(false);
  });
});

describe('another spelling is refused', () => {
  it('of a refresh token, wherever it is shown, without a database call', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({ user_id: USER });
    service.database.roundTrips = 0;
    const authorization = basic(BACKEND);
    for (const token of respell(refresh_token)) {
      expect((await service.refresh(token)).body.error).toBe('invalid_grant');
      await service.form('/oauth/revoke', { token, client_id: 'app' });
      const told = await service.form('/oauth/introspect', { token }, { authorization });
      expect(await told.json()).toEqual({ active: false });
      const stepUp = await service.request(`/v1/sessions/${session.id}/authentication`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token: token }),
      });
      expect(stepUp.status).not.toBe(200);
    }
    expect(service.database.roundTrips).toBe(0);
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it('of an access token, by the service and by a resource server', async () => {
    const service = await startService();
    const { access_token } = await service.create({ user_id: USER });
    const verifier = createAccessTokenVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      fetch: async (input, init) => service.app.request(new Request(input, init)),
      now: () => service.clock.now,
    });
    for (const token of respell(access_token)) {
      expect(await verifier.verify(token)).toMatchObject({ ok: false, error: 'invalid_token' });
      const authorization = basic(BACKEND);
      const told = await service.form('/oauth/introspect', { token }, { authorization });
      expect(await told.json()).toEqual({ active: false });
    }
    for (const token of respell(access_token).filter((text) => !/\s/.test(text)))
      expect((await service.bearer('GET', '/v1/sessions/current', token)).status).toBe(401);
    expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
  });

  it('of a hand-off code', async () => {
    const keyring = await deriveKeyring('the-session-secret-of-the-tests-0123456789', null);
    const handoff = {
      sessionId: crypto.randomUUID(),
      home: 'DB',
      clientId: 'app',
      secret: 'x',
      returnUrl: 'https://app.example/',
    };
    // Texts of three lengths, so that some end in unused bits.
    for (const secret of ['x', 'xx', 'xxx']) {
      const code = await sealHandoff(keyring, { ...handoff, secret }, START);
      for (const other of respell(code))
        expect(await openHandoff(keyring, other, START)).toBeNull();
      expect(await openHandoff(keyring, code, START)).not.toBeNull();
    }
  });
});
