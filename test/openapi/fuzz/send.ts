/** A drawn request as the service is sent it. */
import { BACKEND, basic, ISSUER, OTHER_BACKEND } from '../../fixtures';
import { NAVIGATION, OWN_FORM, SAME_ORIGIN } from '../../http/browser/browser';
import { type Drawn, Taken } from './draw';
import type { Pool, World } from './world';

/** What the world has of a name, or a text that it never had. */
function take(pool: Pool, { name, which }: Taken): string {
  const known = pool.get(name) ?? [];
  return known[which % Math.max(known.length, 1)] ?? 'unknown';
}

function fill(pool: Pool, value: unknown): unknown {
  if (value instanceof Taken) return take(pool, value);
  if (Array.isArray(value)) return value.map((item) => fill(pool, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(pool, item)]));
}

const toText = (value: unknown) =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

export function toRequest({ pool }: World, drawn: Drawn, which: number): Request {
  const url = new URL(ISSUER);
  const headers = new Headers(toHeaders(pool, drawn, which));
  let { path } = drawn;
  for (const { name, in: place, value } of drawn.parameters) {
    if (value === undefined) continue;
    const text = toText(fill(pool, value)).toWellFormed();
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(text) || 'x');
    else if (place === 'query') url.searchParams.append(name, text);
    else trySet(headers, name, text);
  }
  const body = toBody(drawn, fill(pool, drawn.body));
  if (body !== undefined && drawn.type !== null) headers.set('content-type', drawn.type);
  return new Request(`${url.origin}${path}${url.search}`, {
    method: drawn.method,
    headers,
    ...(body !== undefined && { body }),
    redirect: 'manual',
  });
}

/** What cannot be in a header, clients do not send. */
function trySet(headers: Headers, name: string, value: string): void {
  if (/^[\x20-\x7e]*$/.test(value)) headers.set(name, value);
}

function toBody({ type }: Drawn, body: unknown): string | undefined {
  if (body === undefined) return undefined;
  if (type === 'application/json')
    return toText(typeof body === 'string' ? JSON.stringify(body) : body);
  const form = new URLSearchParams();
  const members = typeof body === 'object' && body !== null ? body : { body };
  for (const [name, value] of Object.entries(members))
    for (const item of [value].flat())
      if (item !== undefined) form.append(name, toText(item).toWellFormed());
  return form.toString();
}

export function toHeaders(
  pool: Pool,
  { id, as, security, path, method }: Pick<Drawn, 'id' | 'as' | 'security' | 'path' | 'method'>,
  which: number,
): Record<string, string> {
  const one = (name: string) => take(pool, new Taken(name, which));
  const client = { authorization: basic(BACKEND) };
  const user = { authorization: `Bearer ${one('bearer')}` };
  const cookie = { cookie: one('cookie') };
  switch (as) {
    case 'right': {
      const isPage = path.startsWith('/account') || path.startsWith('/browser/start');
      const isOfBrowsers = isPage || (path.startsWith('/browser/') && id !== 'exchangeCookie');
      return {
        ...(isOfBrowsers && (isPage ? (method === 'GET' ? NAVIGATION : OWN_FORM) : SAME_ORIGIN)),
        ...(security.includes('client') && client),
        ...(security.includes('accessToken') && user),
        ...(security.includes('gateway') && { 'x-gateway-authorization': basic(BACKEND) }),
        ...(security.includes('sessionCookie') && cookie),
      };
    }
    case 'client':
      return client;
    case 'other client':
      return { authorization: basic(OTHER_BACKEND) };
    case 'user':
      return user;
    case 'cookie':
      return { ...cookie, ...SAME_ORIGIN };
    case 'wrong':
      return { authorization: basic({ id: BACKEND.id, secret: 'wrong' }) };
    case 'none':
      return {};
  }
}
