/** How pages for people are made: their texts and look, and what they may load and send. */
import { appName, personOf } from '../../calls/account-view';
import { sha256 } from '../../crypto';
import type { Service } from '../../service/service';
import type { Session } from '../../sessions/session';
import { accountsSent, currentOf, readSessionCookie } from '../browser/cookies';
import type { AppContext } from '../context';
import type { statusOf } from '../errors';
import type { Child } from '../jsx/jsx-runtime';
import type { Site } from './layout';
import { toStylesheet } from './style';
import { clean } from './texts/clean';
import { createLanguages } from './texts/languages';
import { createWording } from './texts/wording';

export interface Pages {
  stylesheet: string;
  /** Changes with the stylesheet, which may therefore be kept for ever. */
  stylesheetVersion: () => Promise<string>;
  /** `session`: the person's, where the page is of one. */
  siteOf: (c: AppContext, session?: Session) => Promise<Site>;
  /** The address of a page of this service, in the language that the person chose. */
  link: (c: AppContext, path: string, query?: Record<string, string>) => string;
  /**
   * The Content-Security-Policy of a page. Browsers apply `form-action` to where a form's answer
   * redirects to as well: `formTargets` are the origins beside the service's own.
   */
  policyFor: (...formTargets: string[]) => string;
}

/** The parameters of the pages for people. A tracker may have added others to a link. */
const PARAMETERS = ['account', 'code', 'token', 'before', 'done'];

export function createPages({ config, now, assets }: Service): Pages {
  const { basePath: base, brand } = config;
  const stylesheet = toStylesheet(brand);
  const stylesheetVersion = async () => (await sha256(stylesheet)).slice(0, 12);
  const languages = createLanguages(config, assets);
  const withHome = [...config.clients.values()].filter(({ pages }) => pages.homeUrl);
  const onlyApp = withHome.length === 1 ? withHome[0] : undefined;
  const asked = (c: AppContext) => c.get('language') ?? c.req.query('lang');

  const link: Pages['link'] = (c, path, query = {}) => {
    const lang = languages.tags.find((tag) => tag === asked(c));
    const all = new URLSearchParams({ ...query, ...(lang !== undefined && { lang }) });
    return `${base}${path}${all.size > 0 ? `?${all}` : ''}`;
  };

  return {
    stylesheet,
    stylesheetVersion,
    link,
    async siteOf(c, session) {
      const { texts, language, locale } = await languages.choose(
        asked(c),
        c.req.header('accept-language'),
      );
      c.header('Content-Language', language);
      const { cf } = c.get('caller').device;
      const here = hereOf(c);
      const { pathname, searchParams } = here;
      const current = currentOf(c);
      const clientId = session === undefined ? readSessionCookie(c)?.clientId : session.clientId;
      const whose: Record<string, string> = current > 0 ? { account: `${current}` } : {};
      return {
        texts,
        language,
        languages: languages.tags.map((tag) => ({
          tag,
          href: `${pathname}?${new URLSearchParams([...searchParams, ['lang', tag]])}`,
        })),
        isSupport: (session?.act ?? null) !== null,
        person: session === undefined ? null : personOf(session),
        hasOtherAccounts: accountsSent(c).some((index) => index !== current),
        whose,
        // The cookie is not verified here: only a link depends on what it says.
        app: (config.clients.get(clientId ?? '') ?? onlyApp)?.pages ?? null,
        appName: (clientId) => clean(appName(config, clientId)),
        wording: createWording(texts, locale, cf?.timezone, now()),
        brand,
        stylesheet: `${base}/account/style.css?v=${await stylesheetVersion()}`,
        base,
        link: (path, query) => link(c, path, query),
        here: `${link(c, pathname.slice(base.length), Object.fromEntries(searchParams))}`,
      };
    },
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

/** The address of a request without the parameters that no page has, and without its language. */
function hereOf(c: AppContext): Pick<URL, 'pathname' | 'searchParams'> {
  const { pathname, searchParams } = new URL(c.req.url);
  const own = [...searchParams].filter(([name]) => PARAMETERS.includes(name));
  return { pathname, searchParams: new URLSearchParams(own) };
}

/** The headers of every page for people. */
export function setPageHeaders(headers: Headers, policy: string): void {
  if (headers.has('Content-Security-Policy')) return;
  headers.set('Content-Security-Policy', policy);
  // With no-referrer a browser would send its own forms with `Origin: null` (Fetch §3.2). More than
  // the origin is nobody's business: what a link of a mail proves is in the page's query.
  headers.set('Referrer-Policy', 'strict-origin');
  headers.append('Vary', 'Accept-Language, Cookie, Origin, Sec-Fetch-Site');
}

export function render(
  c: AppContext,
  page: Child,
  {
    status = 200,
    headers = {},
  }: { status?: ReturnType<typeof statusOf> | 200; headers?: Record<string, string> } = {},
): Response {
  return c.html(`<!doctype html>${page}`, status, headers);
}
