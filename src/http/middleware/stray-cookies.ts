/**
 * Cookies that have the name of one of the service's, but are not: browsers, WebViews and proxies
 * that do not hold `__Host-` names to their rules (RFC 6265bis §4.1.3.2) let a neighbouring host or
 * another path set them. Beside the real one nothing tells them apart, so neither is used. The
 * service's own have no Domain, the path `/` and no partition; whatever the browser may hold beside
 * that is expired, on every answer to a request that brought two. The real one stays.
 */
import { createMiddleware } from 'hono/factory';
import type { Config } from '../../config/config';
import { COOKIE_NAMES, isSentTwice } from '../browser/cookies';
import type { AppContext, AppEnv } from '../context';

/** The bound keeps a long host or path from making a long answer. */
const MAX_PARTS = 4;

export function strayCookies({ issuer }: Pick<Config, 'issuer'>) {
  const domains = domainsOf(new URL(issuer).hostname);
  return createMiddleware<AppEnv>(async function strayCookies(c, next) {
    for (const name of COOKIE_NAMES) if (isSentTwice(c, name)) expireStrays(c, name, domains);
    await next();
  });
}

function expireStrays(c: AppContext, name: string, domains: readonly string[]): void {
  const { pathname } = new URL(c.req.url);
  const expire = (where: string) =>
    c.header('Set-Cookie', `${name}=; Max-Age=0; ${where}; HttpOnly; Secure; SameSite=Lax`, {
      append: true,
    });
  expire('Path=/; Partitioned');
  for (const domain of [null, ...domains])
    for (const path of pathsOf(pathname))
      if (domain !== null || path !== '/')
        expire(domain === null ? `Path=${path}` : `Path=${path}; Domain=${domain}`);
}

/** The host and those above it, but for the last label alone, for which nobody sets a cookie. */
function domainsOf(hostname: string): string[] {
  if (/^\[|^[\d.]+$/.test(hostname)) return [];
  const labels = hostname.split('.');
  return labels
    .slice(0, Math.min(labels.length - 1, MAX_PARTS))
    .map((_, from) => labels.slice(from).join('.'));
}

/** The paths at which a cookie is sent along (RFC 6265 §5.1.4), as far as they have plain names. */
function pathsOf(pathname: string): string[] {
  const [, plain = ''] = /^((?:\/[\w.-]+)*)/.exec(pathname) ?? [];
  const segments = plain.split('/').slice(1, 1 + MAX_PARTS);
  const above = segments.map((_, index) => `/${segments.slice(0, index + 1).join('/')}`);
  return ['/', ...above.flatMap((path) => (path === pathname ? [path] : [path, `${path}/`]))];
}
