/** How pages for people are made: their texts and look, and what they may load and send. */
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { sha256 } from '../../crypto';
import type { Service } from '../../service/service';
import type { statusOf } from '../errors';
import type { Site } from './layout';
import { toStylesheet } from './style';
import { chooseTexts } from './texts';

export interface Pages {
  stylesheet: string;
  /** Changes with the stylesheet, which may therefore be kept for ever. */
  stylesheetVersion: () => Promise<string>;
  siteOf: (c: Context) => Promise<Site>;
  /**
   * The Content-Security-Policy of a page. Browsers apply `form-action` to where a form's answer
   * redirects to as well: `formTargets` are the origins beside the service's own.
   */
  policyFor: (...formTargets: string[]) => string;
}

export function createPages({ config, now }: Service): Pages {
  const { basePath: base, brand } = config;
  const stylesheet = toStylesheet(brand);
  const stylesheetVersion = async () => (await sha256(stylesheet)).slice(0, 12);
  return {
    stylesheet,
    stylesheetVersion,
    siteOf: async (c) => ({
      texts: chooseTexts(c.req.header('accept-language')),
      brand,
      stylesheet: `${base}/account/style.css?v=${await stylesheetVersion()}`,
      base,
      now: now(),
    }),
    policyFor: (...formTargets) =>
      [
        "default-src 'none'",
        "style-src 'self'",
        ["img-src 'self'", ...(brand.logoUrl ? [brand.logoUrl.origin] : [])].join(' '),
        ["form-action 'self'", ...formTargets].join(' '),
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ].join('; '),
  };
}

/** What every page for people says of itself, once. */
export function setPageHeaders(headers: Headers, policy: string): void {
  if (headers.has('Content-Security-Policy')) return;
  headers.set('Content-Security-Policy', policy);
  // With no-referrer a browser would send its own forms with `Origin: null` (Fetch §3.2).
  headers.set('Referrer-Policy', 'same-origin');
  headers.append('Vary', 'Accept-Language, Cookie, Origin, Sec-Fetch-Site');
}

export function render(
  c: Context,
  page: Child,
  {
    status = 200,
    headers = {},
  }: { status?: ReturnType<typeof statusOf> | 200; headers?: Record<string, string> } = {},
): Response {
  return c.html(`<!doctype html>${page}`, status, headers);
}
