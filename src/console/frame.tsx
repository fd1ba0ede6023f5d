/** The frame of all pages of the console. */
import type { Child } from '#jsx/jsx-runtime';
import type { Operator } from './operator';

/** The path of the console, below the host that it shares with the service. */
export const BASE = '/console';

const SECTIONS = [
  ['', 'Overview'],
  ['/find', 'People'],
  ['/webhooks', 'Webhooks'],
  ['/homes', 'Homes'],
  ['/keys', 'Signing keys'],
  ['/audit', 'Audit log'],
] as const;

export type Section = (typeof SECTIONS)[number][0];

/** The viewer of a page. */
export interface Viewer {
  operator: Operator;
  /** Whether they proved who they are recently enough to act. */
  mayAct: boolean;
  /** The page on which operators prove anew who they are; null: none is configured. */
  proveUrl: string | null;
  /** The form token of their forms. */
  formToken: string;
  /** Milliseconds since 1970. */
  now: number;
  /** The host of the service. */
  host: string;
}

interface FrameProps {
  viewer: Viewer;
  title: string;
  /** null: it is of none. */
  section: Section | null;
  children: Child;
}

export const Frame = ({ viewer, title, section, children }: FrameProps) => (
  <html lang="en">
    <Head title={title} />
    <body>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <div class="brand">
          Sessions <small>{viewer.host}</small>
        </div>
        <nav aria-label="Console">
          <ul>
            {SECTIONS.map(([path, name]) => (
              <li>
                <a href={BASE + path} aria-current={path === section ? 'page' : undefined}>
                  {name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <p class="operator">
          <span>Operator</span>{' '}
          <bdi title={viewer.operator.name}>{toShortName(viewer.operator.name)}</bdi>
        </p>
      </header>
      <main id="main">{children}</main>
    </body>
  </html>
);

/** An id is told from others by its first part. */
const toShortName = (name: string) => (/^[0-9a-f-]{36}$/.test(name) ? name.slice(0, 8) : name);

/** A page for whoever sees nothing of the console. */
export const Alone = ({ title, children }: { title: string; children: Child }) => (
  <html lang="en">
    <Head title={title} />
    <body class="alone">
      <main>
        <h1>{title}</h1>
        {children}
      </main>
    </body>
  </html>
);

const Head = ({ title }: { title: string }) => (
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex" />
    <title>{`${title} – Sessions console`}</title>
    <link rel="stylesheet" href={`${BASE}/style.css`} />
    <link rel="icon" type="image/svg+xml" href={`${BASE}/icon.svg`} />
  </head>
);

export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#4338ca"/><path d="M8 21l6-7 4 4 6-8" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>';
