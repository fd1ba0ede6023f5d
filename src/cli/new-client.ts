/** An entry of CLIENTS for a new client, and its secret, which the entry has the SHA-256 of. */
import { createHash, randomBytes } from 'node:crypto';
import { findMistakes } from './service-rules.ts';

export interface ClientWishes {
  allow?: readonly string[];
  forClients?: readonly string[];
  origins?: readonly string[];
  returnUrls?: readonly string[];
  scopes?: readonly string[];
  audiences?: readonly string[];
  accessToken?: string | undefined;
}

export interface NewClient {
  entry: { client_id: string; [member: string]: unknown };
  /** 256 bits in base64url; null: the client has none. */
  secret: string | null;
}

/** A client that may do something is a backend and has a secret; another is a public app. */
export function makeClient(id: string, wishes: ClientWishes): NewClient {
  const { allow = [], forClients, origins, returnUrls, scopes, audiences, accessToken } = wishes;
  const secret = allow.length > 0 ? randomBytes(32).toString('base64url') : null;
  const lists = {
    for_clients: forClients,
    origins,
    return_urls: returnUrls,
    scopes,
    audiences,
  };
  const entry = {
    client_id: id,
    ...(secret !== null && {
      secret_sha256: createHash('sha256').update(secret).digest('base64url'),
      allow,
    }),
    ...(accessToken !== undefined && { access_token: accessToken }),
    ...Object.fromEntries(
      Object.entries(lists).filter(([, list]) => list !== undefined && list.length > 0),
    ),
  };
  return { entry, secret };
}

/**
 * The mistakes that the service would find in the entry. Clients that it names are taken to be
 * there.
 */
export function findMistakesOf({ entry }: NewClient): string[] {
  const named = ((entry.for_clients as string[]) ?? []).filter((id) => id !== entry.client_id);
  const clients = [entry, ...named.map((client_id) => ({ client_id }))];
  const vars = {
    ISSUER: 'https://auth.example',
    AUDIENCE: JSON.stringify(entry.audiences ?? ['https://api.example']),
    CLIENTS: JSON.stringify(clients),
  };
  return findMistakes(vars, ['DB']);
}
