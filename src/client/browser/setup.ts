/** The options of a client, with their defaults resolved once. */
import { type Clock, toClock } from './clock';
import { host } from './host';
import { matchResources, toDirectory } from './resources';
import type { ClientOptions, TokenClientOptions, TokenStorage } from './types';

/** The parameter `resource` of a refresh for one API (RFC 8707 §2.2). */
export type ResourceForm = { resource: string } | '' | undefined;

export interface Setup {
  /** Whether the app holds the refresh token; otherwise that is in a cookie. */
  hasTokens: boolean;
  /** Whether the app sends the access token itself; otherwise that is in a cookie too. */
  isBearer: boolean;
  clientId: string;
  /** The token that is asked for before a call to the account API of the service. */
  account: { form: ResourceForm };
  storage: TokenStorage | undefined;
  onError: (error: unknown) => void;
  send: typeof fetch;
  /** URL of the service, with a slash at its end. */
  base: string;
  /** The origin that relative URLs are resolved against. */
  origin: string;
  isResource: (url: string) => boolean;
  /**
   * The name of what the tabs of one app and one service share: channel, lock, key in the storage.
   */
  name: string;
  timeoutMs: number;
  clock: Clock;
}

export function toSetup(options: ClientOptions): Setup {
  const { clientId = '', storage, accountAudience } = options as TokenClientOptions;
  const { mode, timeoutMs = 10_000, onError } = options;
  const page = host.location?.href;
  const base = toDirectory(options.baseUrl, page);
  const site = base.split('/', 3).join('/');
  const hasTokens = mode === 'token';
  return {
    hasTokens,
    isBearer: mode !== 'cookie',
    clientId,
    account: { form: accountAudience && { resource: accountAudience } },
    storage,
    // In a microtask, so that one that throws stops nothing.
    onError: (error) => queueMicrotask(() => onError?.(error)),
    send: options.fetch ?? ((input, init) => fetch(input, init)),
    base,
    origin: page ?? site,
    isResource: matchResources([...(options.resources ?? [site]), base], site),
    name: `session ${clientId} ${base.slice(0, -1)}`,
    timeoutMs,
    clock: toClock(options),
  };
}
