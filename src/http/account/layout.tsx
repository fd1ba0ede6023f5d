/** The layout of all pages for people. */
import type { Brand } from '../../config/brand';
import type { ClientPages } from '../../config/client-pages';
import type { Child } from '../jsx/jsx-runtime';
import { clean } from './texts/clean';
import type { Texts } from './texts/en';
import { fill } from './texts/fill';
import type { Wording } from './texts/wording';

/** The site of a page: where it is shown, and to whom. */
export interface Site {
  texts: Texts;
  wording: Wording;
  /** Of the texts, as a tag of RFC 5646. */
  language: string;
  /** The languages that the same page can be read in. */
  languages: readonly { tag: string; href: string }[];
  brand: Brand;
  /** Whether support staff see it, who may end their own session alone. */
  isSupport: boolean;
  /** The name of the person, as far as known. */
  person: string | null;
  /** Whether the browser has other accounts than the current one, as far as its cookies say. */
  hasOtherAccounts: boolean;
  /** In the query of forms: the account that the page is of; nothing for account 0. */
  whose: Record<string, string>;
  /** Where the person came from, or else the only app that has pages of its own. */
  app: ClientPages | null;
  /** The name of a client's app for people; '' where there is none. */
  appName: (clientId: string | null | undefined) => string;
  stylesheet: string;
  /** The path that all addresses start with. */
  base: string;
  /** The address of a page, in the language that the person chose. */
  link: (path: string, query?: Record<string, string>) => string;
  /** The address of this one. */
  here: string;
}

export const Layout = ({
  site,
  title,
  children,
}: {
  site: Site;
  title: string;
  children: Child;
}) => (
  <html lang={site.language} dir={directionOf(site.language)}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <title>{`${title} – ${site.brand.name}`}</title>
      <link rel="stylesheet" href={site.stylesheet} />
      <link rel="icon" type="image/svg+xml" href={`${site.base}/account/icon.svg`} />
    </head>
    <body>
      <header>
        <div>
          {site.brand.logoUrl && <img src={site.brand.logoUrl.href} alt="" />}
          <span>{site.brand.name}</span>
          {site.app?.homeUrl && (
            <a href={site.app.homeUrl}>
              {fill<Child>(site.texts.backToApp, { app: <bdi>{site.app.name}</bdi> })}
            </a>
          )}
        </div>
      </header>
      <main>
        {site.person && (
          <p class="who">
            {fill<Child>(site.texts.signedInAs, { name: <bdi>{clean(site.person)}</bdi> })}
          </p>
        )}
        {site.hasOtherAccounts && (
          <p class="who">
            <a href={site.link('/account/accounts')}>{site.texts.accountsTitle}</a>
          </p>
        )}
        {children}
      </main>
      {site.languages.length > 1 && <LanguageLinks site={site} />}
    </body>
  </html>
);

/** Each language by its own name, because who looks for it may read no other. */
const LanguageLinks = ({ site: { texts, language, languages } }: { site: Site }) => (
  <nav aria-label={texts.languages}>
    <ul>
      {languages.map(({ tag, href }) => (
        <li>
          <a
            href={href}
            lang={tag}
            hreflang={tag}
            dir={directionOf(tag)}
            aria-current={tag === language ? 'true' : undefined}
          >
            {new Intl.DisplayNames(tag, { type: 'language' }).of(tag)}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

/** Languages whose script is written from right to left. */
const RIGHT_TO_LEFT = /^(?:ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/;

const directionOf = (tag: string) => (RIGHT_TO_LEFT.test(tag) ? 'rtl' : 'ltr');

export interface MessageProps {
  title: string;
  /** '': the title says it all. */
  lead: string;
  /** How to go on. */
  link?: { href: string; text: string } | undefined;
  /** The form that the person sent, to be sent again with the same fields. */
  again?: { action: string; text: string; fields: readonly (readonly [string, string])[] };
}

/** The way back, where there is one. */
export const toApp = ({ app, texts }: Site): MessageProps['link'] =>
  app?.homeUrl ? { href: app.homeUrl, text: texts.goToApp } : undefined;

/** A page that says one thing. */
export const Message = ({ site, title, lead, link, again }: MessageProps & { site: Site }) => (
  <Layout site={site} title={title}>
    <h1>{title}</h1>
    {lead && <p class="lead">{lead}</p>}
    {again && (
      <form method="post" action={again.action} class="row">
        {again.fields.map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <button class="button primary" type="submit">
          {again.text}
        </button>
      </form>
    )}
    {link && (
      <p class="row">
        <a class="button primary" href={link.href}>
          {link.text}
        </a>
      </p>
    )}
  </Layout>
);
