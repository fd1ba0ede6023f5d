/**
 * The members of CLIENTS that the pages for people use: what they say of an app, and where they
 * lead to.
 */
import * as v from 'valibot';
import { isTrustworthy } from '../origins';

export interface ClientPages {
  /** The name that people know the app by; the client's id where it has none. */
  name: string;
  /** The page on which a person goes on in the app; null: it has none. */
  homeUrl: string | null;
  /** The page on which a person who was robbed changes a password, or what else has to change. */
  recoveryUrl: string | null;
}

const pageUrl = v.optional(
  v.pipe(
    v.string(),
    v.check((text) => {
      const url = URL.parse(text);
      return url !== null && isTrustworthy(url) && !url.username && !url.password;
    }, 'must be an https URL without credentials'),
  ),
);

export const clientPagesFields = {
  name: v.optional(
    v.pipe(v.string(), v.regex(/^[^\p{C}]{1,64}$/u, 'must be 1 to 64 printable characters')),
  ),
  home_url: pageUrl,
  recovery_url: pageUrl,
};

export function toClientPages({
  client_id,
  name,
  home_url,
  recovery_url,
  origins: [origin],
}: {
  client_id: string;
  name?: string | undefined;
  home_url?: string | undefined;
  recovery_url?: string | undefined;
  /** The origins of its web pages. */
  origins: readonly string[];
}): ClientPages {
  return {
    name: name ?? client_id,
    homeUrl: home_url ?? origin ?? null,
    recoveryUrl: recovery_url ?? null,
  };
}
