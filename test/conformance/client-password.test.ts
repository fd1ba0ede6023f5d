/** RFC 6749 §2.3.1: a client's secret in HTTP Basic or in the form, as people send it. */
import { describe, expect, it, vi } from 'vitest';
import { basic, sha256Hex, startService, type TestService } from '../fixtures';

describe('§2.3.1 client password', () => {
  const fields = { grant_type: 'refresh_token', refresh_token: 'x' };
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  const start = async (clients: { id: string; secret?: string }[]) =>
    startService({
      CLIENTS: JSON.stringify(
        await Promise.all(
          clients.map(async ({ id, secret }) => ({
            client_id: id,
            allow: ['refresh'],
            ...(secret !== undefined && { secret_sha256: await sha256Hex(secret) }),
          })),
        ),
      ),
    });
  const authenticate = async (
    service: TestService,
    headers: Record<string, string>,
    form: Record<string, string> = {},
  ) => {
    const response = await service.form('/oauth/token', { ...fields, ...form }, headers);
    // Past the client comes the made-up token.
    return ((await response.json()) as { error: string }).error === 'invalid_grant';
  };
  const inUtf8 = ({ id, secret }: { id: string; secret: string }) => {
    const bytes = new TextEncoder().encode(`${id}:${secret}`);
    return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
  };

  it.each([
    'AbC+dEf/gHi=jKlMnOpQrStUvWxYz012345',
    'with%41percent-0123456789abcdef',
    'a%zz bare % and %',
    'pä55 wörd:%&=+',
    'plain-secret_of.base64url~0123456789',
  ])('%s is right as it is, form-urlencoded, and in the form', async (secret) => {
    const service = await start([{ id: 'app', secret }]);
    expect(await authenticate(service, inUtf8({ id: 'app', secret }))).toBe(true);
    expect(await authenticate(service, inUtf8({ id: 'app', secret: encode(secret) }))).toBe(true);
    const form = { client_id: 'app', client_secret: secret };
    expect(await authenticate(service, {}, form)).toBe(true);
    expect(await authenticate(service, inUtf8({ id: 'app', secret: `${secret}x` }))).toBe(false);
    // Encoded twice is another secret.
    const twice = encode(encode(secret));
    if (twice !== secret)
      expect(await authenticate(service, inUtf8({ id: 'app', secret: twice }))).toBe(false);
  });

  it('an id with reserved characters is read in both ways too, and has to be that of the form', async () => {
    const odd = { id: 'https://app.example/?a+b%41', secret: 'odd+secret/of-the-tests=0123456789' };
    const service = await start([odd]);
    const encoded = inUtf8({ id: encode(odd.id), secret: encode(odd.secret) });
    expect(await authenticate(service, encoded)).toBe(true);
    expect(await authenticate(service, encoded, { client_id: odd.id })).toBe(true);
    const plus = { id: 'app+1', secret: odd.secret };
    const other = await start([plus]);
    expect(await authenticate(other, inUtf8(plus))).toBe(true);
    expect(await authenticate(other, inUtf8(plus), { client_id: 'app+1' })).toBe(true);
    const response = await other.form('/oauth/token', { ...fields, client_id: 'b' }, inUtf8(plus));
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });

  it('each of two clients whose ids are readings of one text needs its own secret', async () => {
    const service = await start([
      { id: 'A', secret: 'secret-of-A-0123456789-abcdef' },
      { id: '%41', secret: 'secret-of-%41-0123456789-abcdef' },
    ]);
    const headers = (secret: string) => inUtf8({ id: '%41', secret });
    const answers = await Promise.all(
      ['secret-of-A-0123456789-abcdef', 'secret-of-%41-0123456789-abcdef', 'x'].map((secret) =>
        authenticate(service, headers(secret)),
      ),
    );
    expect(answers).toEqual([true, true, false]);
  });

  it('an empty secret in Basic is no secret, as it is in a form', async () => {
    const service = await start([{ id: 'public' }, { id: 'confidential', secret: 'x'.repeat(32) }]);
    expect(await authenticate(service, basicOf('public', ''))).toBe(true);
    expect(await authenticate(service, basicOf('public', 'x'))).toBe(false);
    expect(await authenticate(service, basicOf('confidential', ''))).toBe(false);
    expect(await authenticate(service, {}, { client_id: 'public', client_secret: '' })).toBe(true);
  });
  const basicOf = (id: string, secret: string) => ({ authorization: basic({ id, secret }) });

  it('what was not encoded is said in the log at debug, without the secret', async () => {
    const secret = 'AbC+dEf/gHi=jKlMnOpQrStUvWxYz012345';
    const service = await start([{ id: 'app', secret }]);
    const debug = vi.spyOn(console, 'debug').mockImplementation(() => {});
    await authenticate(service, inUtf8({ id: 'app', secret: encode(secret) }));
    expect(debug).not.toHaveBeenCalled();
    await authenticate(service, inUtf8({ id: 'app', secret }));
    const lines = debug.mock.calls.map(([line]) => JSON.parse(line as string));
    debug.mockRestore();
    expect(lines).toEqual([
      {
        level: 'debug',
        event: 'basic_credentials_unencoded',
        request_id: expect.any(String),
        client_id: 'app',
      },
    ]);
  });
});
