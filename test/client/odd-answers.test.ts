/**
 * What else answers in the service's place: captive portals, proxies, firewalls, and what is left
 * of an answer. None of it ends a session, in any mode; how many requests one refresh makes of it.
 */
import { describe, expect, it } from 'vitest';
import { SessionUnavailableError } from '../../src/client/browser';
import { MODES, open } from './fault-world';

const html = (status: number, headers: Record<string, string> = {}) =>
  new Response('<html>', { status, headers: { 'content-type': 'text/html', ...headers } });
const json = (body: string, status = 200) =>
  new Response(body, { status, headers: { 'content-type': 'application/json' } });
/** A body that ends before it is whole. */
const cutOff = () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"access_token": "ey'));
        controller.error(new TypeError('network'));
      },
    }),
  );
const lost = () => {
  throw new TypeError('Failed to fetch');
};

/** Another try may be answered by the service itself. */
const TRANSIENT: [string, () => Response][] = [
  ['no network, whatever the browser says of it', lost],
  ['the page of a captive portal', () => html(200)],
  ['a redirect that a browser does not show', () => Response.error()],
  ['204', () => new Response(null, { status: 204 })],
  ['200 without a body', () => new Response(null)],
  ['JSON that is none', () => json('{"access_token":')],
  ['JSON of somebody else', () => json('{"ok":true}')],
  ['JSON that is a list', () => json('[]')],
  ['JSON that is null', () => json('null')],
  ['an access token that never expires', () => json('{"access_token":"a","expires_in":"soon"}')],
  ['a body that is cut off', cutOff],
  ['429', () => html(429)],
  ['429, Retry-After: 0', () => html(429, { 'retry-after': '0' })],
  ['429, Retry-After: -5', () => html(429, { 'retry-after': '-5' })],
  ['429, Retry-After: soon', () => html(429, { 'retry-after': 'soon' })],
  [
    '503, Retry-After: a moment that is over',
    () => html(503, { 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' }),
  ],
  ['431', () => html(431)],
  ['500', () => html(500)],
  ['501', () => html(501)],
  ['502', () => html(502)],
  ['503', () => json('{"code":"unavailable"}', 503)],
  ['504', () => html(504)],
  ['599', () => html(599)],
];

/** Another try is not worth it now; the next refresh may be answered. */
const DECIDED: [string, () => Response][] = [
  ['a redirect to a login page', () => html(302, { location: 'https://portal.example/login' })],
  ['400 of a proxy', () => html(400)],
  ['400 with another error', () => json('{"error":"invalid_request"}', 400)],
  ['401 of a proxy', () => html(401, { 'www-authenticate': 'Basic realm="proxy"' })],
  ['401 with another code', () => json('{"code":"invalid_client"}', 401)],
  ['403 of a firewall', () => html(403)],
  [
    '403 with a code of an end',
    () => json('{"code":"session_ended","error":"invalid_grant"}', 403),
  ],
  ['404', () => html(404)],
  ['405', () => html(405)],
  ['407', () => html(407)],
  ['408', () => html(408)],
  ['410', () => html(410)],
  ['413', () => html(413)],
  ['421', () => html(421)],
  ['425', () => html(425)],
];

describe.each(MODES)('in the mode %s', (mode) => {
  it.each([
    ...TRANSIENT.map(([name, answer]) => [name, answer, 5] as const),
    ...DECIDED.map(([name, answer]) => [name, answer, 1] as const),
  ])('%s', async (_, answer, requests) => {
    const world = await open(mode);
    const reasons: unknown[] = [];
    world.client.onSignedOut((reason) => reasons.push(reason));
    world.intercept = answer;
    await expect(world.client.refresh()).rejects.toThrow(SessionUnavailableError);
    expect(world.refreshes()).toBe(requests);
    expect(world.client.session).toBe('active');
    world.intercept = () => undefined;
    expect(await world.client.refresh()).toBe('active');
    expect(world.refreshes()).toBe(requests + 1);
    expect(reasons).toEqual([]);
  });

  it.each([
    ['120', 121],
    ['86400', 121],
    ['Infinity', 121],
    ['1e3', 121],
  ])('Retry-After: %s is kept to, for two minutes at most', async (value, seconds) => {
    const world = await open(mode);
    world.intercept = () => html(429, { 'retry-after': value });
    await expect(world.client.refresh()).rejects.toThrow(SessionUnavailableError);
    world.intercept = () => undefined;
    await expect(world.client.refresh()).rejects.toThrow(SessionUnavailableError);
    expect(world.refreshes()).toBe(1);
    world.service.advance(seconds);
    expect(await world.client.refresh()).toBe('active');
    expect(world.refreshes()).toBe(2);
  });

  it('a page that answers in the place of a sign-out is not taken for it', async () => {
    const world = await open(mode);
    world.intercept = () => html(mode === 'token' ? 404 : 200);
    await expect(world.client.signOut()).rejects.toThrow(SessionUnavailableError);
    // With tokens this device forgets them first.
    expect(world.client.session).toBe(mode === 'token' ? 'signed_out' : 'active');
  });

  it('an answer that flaps: two of 502, then the service', async () => {
    const world = await open(mode);
    let left = 2;
    world.intercept = () => (left-- > 0 ? html(502) : undefined);
    expect(await world.client.refresh()).toBe('active');
    expect(world.refreshes()).toBe(3);
  });
});
