/**
 * A service for the fuzz, and what it has given so far: ids, tokens, codes and cookies, by which a
 * drawn request reaches more than the first check of a call.
 */
import { env } from 'cloudflare:test';
import type { TestService } from '../../fixtures';
import {
  asBackend,
  handOff,
  type Jar,
  MEMORY_WEB,
  NAVIGATION,
  RETURN_URL,
  readSetCookies,
  startWithBrowsers,
  WEB,
} from '../../http/browser/browser';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER, type Provider } from '../../http/provider';

/** By the name of the member or parameter that takes them, the last ones last. */
export type Pool = Map<string, string[]>;

export interface World {
  service: TestService;
  provider: Provider;
  pool: Pool;
}

/** Of one kind, so many are kept. */
const MOST = 12;
/** What takes what another gives. */
const TAKEN_AS: Readonly<Record<string, readonly string[]>> = {
  access_token: ['token', 'subject_token', 'bearer'],
  refresh_token: ['refresh_token', 'token'],
  next_cursor: ['cursor', 'before'],
  session_id: ['id', 'session_id', 'guest_session_id', 'except', 'user_id'],
  user_id: ['user_id'],
  event_id: ['id', 'event_id'],
  kid: ['kid'],
  code: ['code'],
  cookie: ['cookie'],
  id_token: ['id_token', 'assertion'],
};

export function give(pool: Pool, kind: string, value: string): void {
  for (const name of TAKEN_AS[kind] ?? []) {
    const known = (pool.get(name) ?? []).filter((other) => other !== value);
    pool.set(name, [...known, value].slice(-MOST));
  }
}

export async function openWorld(): Promise<World> {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const provider = await openProvider(PROVIDER, clock);
  const variables = {
    ASSETS: env.ASSETS,
    TRUSTED_ISSUERS: JSON.stringify([{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }]),
  };
  const service = await startWithBrowsers(variables, clock, provider.send);
  const pool: Pool = new Map([
    ['client_id', ['app', WEB, MEMORY_WEB, 'backend', 'ssr']],
    ['home', ['DB']],
    ['issuer', [PROVIDER]],
    ['subject', ['someone']],
    ['return_url', [RETURN_URL]],
    ['resource', [service.env.AUDIENCE ?? '']],
    ['nonce', ['nonce-of-sixteen-characters']],
  ]);
  return { service, provider, pool };
}

/** Sessions of each kind, as old ones end by what is drawn. */
export async function replenish({ service, provider, pool }: World): Promise<void> {
  const { session, access_token, refresh_token } = await service.create({
    user_id: crypto.randomUUID(),
  });
  give(pool, 'session_id', session.id);
  give(pool, 'user_id', session.user_id ?? '');
  give(pool, 'access_token', access_token);
  give(pool, 'refresh_token', refresh_token);
  const guest = await service.create();
  give(pool, 'session_id', guest.session.id);
  give(pool, 'access_token', guest.access_token);
  const used = await handOff(service, { user_id: session.user_id });
  const answer = await service.request(
    used.browser.start_url.slice('https://sessions.example'.length),
    {
      headers: NAVIGATION,
    },
  );
  const jar: Jar = new Map(readSetCookies(answer).map(({ name, value }) => [name, value]));
  give(pool, 'cookie', asBackend(jar).cookie);
  const { browser } = await handOff(service, {});
  give(pool, 'code', new URL(browser.start_url).searchParams.get('code') ?? '');
  give(pool, 'id_token', await provider.idToken({ nonce: 'nonce-of-sixteen-characters' }));
}

/** Keeps what an answer gives. */
export function learn(pool: Pool, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return;
  for (const [name, value] of Object.entries(answer)) {
    if (typeof value === 'object') learn(pool, value);
    else if (typeof value !== 'string') continue;
    else if (name === 'id' && 'type' in answer) give(pool, 'event_id', value);
    else if (name === 'id') give(pool, 'session_id', value);
    else give(pool, name, value);
  }
}
