/**
 * The client for apps: browsers, React Native, workers. Keeps one session per app alive across
 * tabs, refreshes ahead of expiry and after a 401, and signs out. Only the service ends a session:
 * no network error, 429 or 5xx does, however long it lasts.
 */
import { createFetch, untilAborted } from './authorized-fetch';
import { toGrant } from './grant';
import { createHolder } from './holder';
import { type HostEvent, host } from './host';
import { openMark } from './mark';
import { askOtherTabs, createRefresher, type Inner, type Parts, type Refresher } from './refresh';
import { createRequests } from './requests';
import { type Setup, toSetup } from './setup';
import { createSignOut } from './sign-out';
import { react } from './state';
import { createStorageSync } from './storage';
import { openTabs } from './tabs';
import type {
  BearerSessionClient,
  ClientOptions,
  CookieClientOptions,
  MemoryClientOptions,
  SessionClient,
  TokenClientOptions,
  TokenSessionClient,
} from './types';

export * from './types';

const EVENTS = ['visibilitychange', 'online', 'pageshow', 'pagehide'];

/**
 * Makes the client of an app that holds its tokens (RFC 6749 §6). One a page is enough; clients of
 * other tabs are found by themselves. It refreshes before an access token expires, and once for all
 * who wait. Throws a `TypeError` when `baseUrl` or one of `resources` is no URL.
 */
export function createSessionClient(options: TokenClientOptions): TokenSessionClient;
/**
 * Makes the client of an app whose refresh token is in a cookie of the service, and whose access
 * token is in memory. Otherwise as in mode `token`.
 */
export function createSessionClient(options: MemoryClientOptions): BearerSessionClient;
/**
 * Makes the client of an app whose session is in cookies of the service alone, which no script
 * sees. Otherwise as in mode `token`.
 */
export function createSessionClient(options: CookieClientOptions): SessionClient;
export function createSessionClient(options: ClientOptions): SessionClient {
  const setup = toSetup(options);
  const parts = connect(setup, () => refresher);
  const { holder, storage, requests, tabs } = parts;
  const refresher = createRefresher(parts, () => ready);
  const ready = findSession(parts);
  const authorizedFetch = createFetch(setup, () => holder.state.current, refresher.ensure);
  // With cookies only the service knows whose session there is: another tab may not have heard yet
  // of the sign-in that this page comes from.
  if (!setup.hasTokens) refresher.look();
  // A page in the back-forward cache answers nobody.
  const onEvent = ({ type, persisted }: HostEvent) => {
    if (type === 'pagehide') tabs.hold(null);
    else {
      if (persisted) tabs.hold(holder.state.current);
      refresher.wake(persisted);
    }
  };
  for (const type of EVENTS) host.addEventListener?.(type, onEvent);

  const client: TokenSessionClient & Inner = {
    get session() {
      return holder.state.session;
    },
    fetch: authorizedFetch,
    refresh: ({ signal } = {}) => untilAborted(refresher.refresh(), signal),
    getSession: async ({ signal } = {}) => {
      await untilAborted(refresher.ensure(undefined, true), signal);
      return holder.state.current?.claims ?? null;
    },
    getAccessToken: async ({ signal } = {}) => {
      await untilAborted(refresher.ensure(), signal);
      return holder.state.current?.access ?? null;
    },
    start: async (tokens) => {
      await storage.sync();
      const grant = toGrant(holder.begin(), tokens, setup, setup.clock.now());
      if (!grant) throw new TypeError('No tokens');
      storage.forget();
      holder.adopt(grant, true);
      await storage.sync();
    },
    ...createSignOut(parts, refresher, authorizedFetch, () => ready),
    onChange: holder.onChange,
    onSignedOut: (listener) =>
      holder.onChange((_, reason) => reason !== undefined && listener(reason)),
    wake: () => refresher.wake(),
    parts: () => ({ ...parts, refresher }),
    close: () => {
      holder.patch({ isClosed: true });
      refresher.plan(null);
      requests.abort();
      requests.nudge();
      tabs.close();
      for (const type of EVENTS) host.removeEventListener?.(type, onEvent);
    },
  };
  return client;
}

/** Joins the parts: what moves here is told to the other tabs, stored, and planned for. */
function connect(setup: Setup, refresher: () => Refresher): Parts {
  const holder = createHolder(setup.clock, (news, isOwn) => {
    if (isOwn) tabs.tell(news);
    storage.sync();
    const { current } = holder.state;
    tabs.hold(current);
    mark.put(current);
    if (!current) {
      storage.forget();
      // Nobody is leaving any more: who waits for that goes on.
      requests.holdBack(0);
    }
    requests.nudge();
    refresher().plan(current);
  });
  const requests = createRequests(setup, holder);
  const mark = openMark(setup);
  const storage = createStorageSync(setup, holder, mark);
  const tabs = openTabs(setup, (message) =>
    react(holder.state, message, { ...holder, ...requests, tell: tabs.tell }),
  );
  const parts = { setup, holder, storage, requests, tabs, mark };
  return parts;
}

/** Finds the session that this tab begins with: the stored one, or else another tab's. */
async function findSession(parts: Parts): Promise<void> {
  const { setup, holder, storage } = parts;
  await storage.sync();
  if (setup.hasTokens && !holder.state.current) await askOtherTabs(parts);
}
