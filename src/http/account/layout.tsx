/** What all pages for people have in common. */
import type { Child } from 'hono/jsx';
import type { Brand } from '../../config/brand';
import type { Texts } from './texts/en';

/** What a page needs to know of where it is shown. */
export interface Site {
  texts: Texts;
  brand: Brand;
  stylesheet: string;
  /** The path that all links start with. */
  base: string;
  /** Milliseconds since 1970. */
  now: number;
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
  <html lang={site.texts.language}>
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
        </div>
      </header>
      <main>{children}</main>
    </body>
  </html>
);

export interface MessageProps {
  title: string;
  lead: string;
  /** How to go on. */
  link?: { href: string; text: string };
  /** The same form, to be sent again. */
  again?: { action: string; text: string };
}

/** A page that says one thing. */
export const Message = ({ site, title, lead, link, again }: MessageProps & { site: Site }) => (
  <Layout site={site} title={title}>
    <h1>{title}</h1>
    <p class="lead">{lead}</p>
    {again && (
      <form method="post" action={again.action} class="row">
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
