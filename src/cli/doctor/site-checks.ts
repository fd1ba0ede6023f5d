/**
 * Whether pages that go by the service's cookies are on its site (docs/arrangements.md): browsers
 * keep cookies from all others, and every page there is told `third_party_cookies_blocked`.
 */
import { siteOf } from '../../origins.ts';
import { about, type Finding } from './finding.ts';
import { type Patient, readEntries } from './patient.ts';

interface BrowserClient {
  client_id?: unknown;
  origins?: unknown;
  return_urls?: unknown;
  access_token?: unknown;
}

export function checkSites({ vars, isLocal, service }: Patient): Finding[] {
  const { note } = about('sites');
  const own = siteOf(service);
  // On this machine the service is not where its settings have it.
  if (isLocal || own === null) return [];
  return (readEntries(vars, 'CLIENTS') as BrowserClient[]).flatMap((client) => {
    const { client_id: id, origins } = client;
    if (!Array.isArray(origins) || !hasCookies(client)) return [];
    return origins
      .filter((origin) => siteOf(String(origin)) !== own)
      .map((origin) =>
        note(
          `${origin} (${id}) is on another site than ${service}: its pages have no cookies there`,
          'give the service a host of that site, or the app tokens: docs/arrangements.md',
        ),
      );
  });
}

/** Whether sessions live in cookies: without return URLs the pages hold the tokens. */
const hasCookies = ({ return_urls: urls, access_token: token }: BrowserClient) =>
  (Array.isArray(urls) && urls.length > 0) || token === 'memory';
