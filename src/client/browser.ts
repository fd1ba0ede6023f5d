/**
 * The client for apps: browsers, React Native, workers. Keeps one session per app alive across
 * tabs, refreshes ahead of expiry and after a 401, and signs out.
 *
 * A refresh is safe to repeat, so nothing here is correct because of a lock: a tab that waits for
 * another does so briefly and then goes on. Only the service ends a session: no network error, 429
 * or 5xx does, however long it lasts.
 */
import { createFetch, matchResources, untilAborted } from './authorized-fetch';
import { type Answer, type Grant, isAfter, isFresh, type Presented, toGrant } from './grant';
import { acquire, host, openChannel } from './tabs';

/** `unknown`: no request has shown yet whether there is a session. */
export type SessionState = 'active' | 'signed_out' | 'unknown';

/**
 * Where the tokens are kept, by one key. Default: in memory, where a reload loses them but other
 * open tabs hand them on. An app that takes `localStorage` (`{ get: (key) =>
 * localStorage.getItem(key), … }`) chooses that any script of its origin can read them.
 */
export interface TokenStorage {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  set(key: string, value: string): unknown;
  remove(key: string): unknown;
}

/** The answer of `POST /v1/sessions` or of the token endpoint, as it is. */
export interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

interface CommonOptions {
  /** URL that the service is mounted at; relative to the page where there is one. */
  baseUrl: string;
  /**
   * Origins and URL prefixes that get the credentials, beside the service itself. Default: the
   * origin of `baseUrl`.
   */
  resources?: string[];
  fetch?: typeof fetch;
  /** Milliseconds, by any clock: only durations are measured. */
  now?: () => number;
  /**
   * A request of the client's own is given up after this. Keep it below the service's
   * `REFRESH_GRACE_SECONDS`.
   */
  timeoutMs?: number;
}

export interface CookieClientOptions extends CommonOptions {
  mode: 'cookie';
}

export interface TokenClientOptions extends CommonOptions {
  mode: 'token';
  clientId: string;
  storage?: TokenStorage;
}

export interface SessionClient {
  readonly session: SessionState;
  /**
   * `fetch` with the session's credentials for the allowed resources. After a 401: one refresh, one
   * more try (none for a body that is a stream). Rejects with `SessionUnavailableError` when the
   * access token has expired and cannot be refreshed now.
   */
  fetch(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response>;
  /**
   * Refreshes now; calls while one runs share it. Resolves to what the session then is. Rejects
   * with `SessionUnavailableError`.
   */
  refresh(options?: { signal?: AbortSignal }): Promise<SessionState>;
  /**
   * Ends the session. Rejects when the service could not be told: in token mode this device has
   * forgotten the tokens all the same; in cookie mode only the service can remove the cookies, so
   * the session is as it was.
   */
  signOut(): Promise<void>;
  /**
   * Ends all sessions of the user. Rejects, with nothing changed here, when the service could not
   * be told.
   */
  signOutEverywhere(): Promise<void>;
  /**
   * `reason` is the service's: `signed_out`, `expired_idle`, `reuse_detected` …; null when it gave
   * none. Returns the way to stop.
   */
  onSignedOut(listener: (reason: string | null) => void): () => void;
  onChange(listener: (state: SessionState) => void): () => void;
  /**
   * Checks the time again. Browsers are listened to; elsewhere call it when the app comes to the
   * foreground.
   */
  wake(): void;
  /** Stops timers and listeners. The session stays. */
  close(): void;
}

export interface TokenSessionClient extends SessionClient {
  /** An access token that is good for a request now, refreshed if need be; null when signed out. */
  getAccessToken(options?: { signal?: AbortSignal }): Promise<string | null>;
  /** Takes the tokens of a new sign-in, in place of any before. Resolves when they are stored. */
  start(tokens: Tokens): Promise<void>;
}

/** The service could not be asked. The session is as it was; try again later. */
export class SessionUnavailableError extends Error {
  override readonly name = 'SessionUnavailableError';
}

/** Longest wait for another tab: to finish its refresh, or to say what it has. */
const LOCK_WAIT_MS = 300;
const ASK_WAIT_MS = 150;
/** How long no refresh starts while another tab has the cookies removed. */
const LEAVE_WAIT_MS = 1_000;
const MAX_RETRIES = 4;
/**
 * Longest wait within one call. A `Retry-After` beyond it rejects at once; the timer honours it.
 */
const MAX_PAUSE_MS = 10_000;
/**
 * Timers stop while a device sleeps, so none is longer than this before the clock is read again.
 */
const MAX_TIMER_MS = 30_000;
const WAKE_EVENTS = ['visibilitychange', 'online'];

type Reply = Answer & {
  status: number;
  delay?: number;
  error?: unknown;
  code?: unknown;
  reason?: string | null;
};
type Listener = (state: SessionState, reason?: string | null) => void;
/** What tabs tell each other beside grants: all up to this epoch is over. */
type Ended = { endedAt: number; reason: string | null };

export function createSessionClient(options: TokenClientOptions): TokenSessionClient;
export function createSessionClient(options: CookieClientOptions): SessionClient;
export function createSessionClient(
  options: TokenClientOptions | CookieClientOptions,
): SessionClient {
  const { now = Date.now, timeoutMs = 10_000 } = options;
  const { mode, clientId = '', storage } = options as TokenClientOptions;
  const hasTokens = mode === 'token';
  const send: typeof fetch =
    options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request));
  const page = host.location?.href;
  const base = new URL(options.baseUrl, page).href.replace(/\/+$/, '');
  const isResource = matchResources([...(options.resources ?? [new URL(base).origin]), base], base);
  const name = `session ${clientId} ${base}`;

  let state: SessionState = 'unknown';
  let current: Grant | null = null;
  /** The newest sign-in that is known here. */
  let epoch = 0;
  /** What is of this epoch or before is over: an answer that comes late is dropped. */
  let ended: Ended = { endedAt: 0, reason: null };
  /** The storage has held our tokens, so finding it empty means that someone signed out. */
  let isStored = false;
  let isClosed = false;
  /** The cookies are being removed: none may come back with the answer of a refresh. */
  let isLeaving = false;
  let inFlight: Promise<SessionState> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dueAt = 0;
  /** By our own back-off, and by the service's `Retry-After`. */
  let retryAt = 0;
  let imposedUntil = 0;
  let abort = () => {};
  let nudge = () => {};
  let queue = Promise.resolve();
  const listeners = new Set<Listener>();

  let channel = openChannel(name, onMessage);
  const ready = findSession();
  for (const type of WAKE_EVENTS) host.addEventListener?.(type, wake);

  // What this tab holds, and what it hears

  function nextEpoch(): number {
    // The fraction tells two tabs apart that sign in in the same millisecond.
    return Math.max(now(), epoch, ended.endedAt) + 1 + Math.random();
  }

  /** Takes a grant unless what is here is newer. */
  function adopt(grant: Grant, isOwn?: boolean): void {
    if (isClosed || grant.epoch <= ended.endedAt || (current && !isAfter(grant, current))) return;
    current = grant;
    epoch = Math.max(epoch, grant.epoch);
    dueAt = grant.at + grant.dueMs + Math.random() * grant.lifeMs * 0.05;
    retryAt = 0;
    if (isOwn) channel?.postMessage(grant);
    setState('active');
    sync();
    nudge();
    schedule();
  }

  /** Everything up to this epoch is over. */
  function end(endedAt: number, reason: string | null, isOwn?: boolean): void {
    if (endedAt <= ended.endedAt || epoch > endedAt) return;
    const isNews = isOwn || current;
    ended = { endedAt, reason };
    current = null;
    isStored = false;
    if (isOwn) channel?.postMessage(ended);
    if (isNews) setState('signed_out', reason);
    sync();
    abort();
    nudge();
    schedule();
  }

  /** `reason` undefined: there was no session to end. */
  function setState(next: SessionState, reason?: string | null): void {
    if (next === state || isClosed) return;
    state = next;
    // In a microtask each, so that a listener that throws stops nothing.
    for (const listener of listeners) queueMicrotask(() => listener(next, reason));
  }

  function onMessage(message: unknown): void {
    const news = message as Grant & Ended & { isLeaving?: boolean };
    if (news.isLeaving) {
      imposedUntil = now() + LEAVE_WAIT_MS;
      abort();
    } else if (news.endedAt) end(news.endedAt, news.reason);
    else if (news.epoch > ended.endedAt) adopt(news);
    // Someone asks, or has not heard that it is over.
    else if (current ?? ended.endedAt) channel?.postMessage(current ?? ended);
  }

  async function askOtherTabs(): Promise<void> {
    channel?.postMessage({});
    if (channel && hasTokens) await pause(ASK_WAIT_MS);
  }

  async function findSession(): Promise<void> {
    await sync();
    if (current) return;
    await askOtherTabs();
    if (hasTokens && !current) setState('signed_out');
  }

  /**
   * Brings memory and storage together: the newer one wins, and what is over is removed. One at a
   * time, so that nothing comes back. Memory comes first: storage that fails costs nothing but what
   * a reload would have found.
   */
  function sync(): Promise<void> {
    if (hasTokens && storage)
      queue = queue
        .then(async () => {
          const before = current;
          let stored: Grant | null | undefined;
          try {
            stored = JSON.parse((await storage.get(name)) ?? 'null');
          } catch {
            // What cannot be read says nothing.
          }
          if (stored && stored.epoch > ended.endedAt && !(current && isAfter(current, stored))) {
            isStored = true;
            adopt(stored);
          } else if (stored === null && isStored && before && before === current)
            end(before.epoch, 'signed_out');
          else if (current) {
            await storage.set(name, JSON.stringify(current));
            isStored = true;
          } else if (stored !== null && ended.endedAt) await storage.remove(name);
        })
        .catch(() => {});
    return queue;
  }

  // Requests to the service

  /** Never rejects: a request without an answer has status 0. */
  async function post(path: string, form?: Record<string, string>): Promise<Reply> {
    const controller = new AbortController();
    abort = () => controller.abort();
    const timeout = setTimeout(abort, timeoutMs);
    try {
      const response = await send(base + path, {
        method: 'POST',
        body: hasTokens ? new URLSearchParams({ ...form, client_id: clientId }) : '{}',
        // A redirect could take the refresh token anywhere.
        redirect: 'manual',
        signal: controller.signal,
        keepalive: true,
        ...(!hasTokens && {
          credentials: 'include',
          headers: { 'Content-Type': 'application/json' },
        }),
      } as RequestInit);
      const body = (await response.json().catch(() => null)) as Partial<Reply> | null;
      return {
        ...body,
        status: response.status,
        delay: Number(response.headers.get('Retry-After')),
      };
    } catch {
      return { status: 0 };
    } finally {
      clearTimeout(timeout);
    }
  }

  /** The only answers that end a session. */
  function isRefusal({ status, error, code }: Reply): boolean {
    return hasTokens
      ? status === 400 && error === 'invalid_grant'
      : status === 401 && code === 'session_ended';
  }

  /** Tries until `attempt` gives no answer to try again after. */
  async function persevere(attempt: () => Promise<Reply | undefined>): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const waitMs = Math.max(imposedUntil - now(), tries && backOff(tries));
      if (isClosed || waitMs > MAX_PAUSE_MS) throw new SessionUnavailableError();
      if (waitMs > 0) await pause(waitMs);
      const reply = await attempt();
      if (!reply) return;
      const { status, delay } = reply;
      if (delay) imposedUntil = now() + delay * 1000;
      retryAt = now() + backOff(MAX_RETRIES + 3);
      // Another try mends no answer, 429, 5xx, a page that is not the service's, and the refusal of
      // what was superseded meanwhile.
      const isTransient = status < 300 || status === 429 || status >= 500 || isRefusal(reply);
      if (!isTransient || tries >= MAX_RETRIES) throw new SessionUnavailableError();
    }
  }

  /** Tells the service that the session is over. */
  function tell(path: string, form?: Record<string, string>): Promise<void> {
    return persevere(async () => {
      const reply = await post(path, form);
      if (reply.status !== 200 && reply.status !== 204) return reply;
    });
  }

  // Refreshing

  function track(work: Promise<unknown>): Promise<SessionState> {
    const mine = work
      .then(() => state)
      .finally(() => {
        if (inFlight === mine) inFlight = null;
        schedule();
      });
    inFlight = mine;
    return mine;
  }

  const refresh = () => inFlight ?? track(ready.then(rotate));

  async function rotate(): Promise<void> {
    const before = current;
    // A tab that slept may be many steps behind, and a token from so long ago would be taken for a
    // stolen one.
    if (before && !isFresh(before, now())) await askOtherTabs();
    const release = await acquire(name, LOCK_WAIT_MS);
    await persevere(async () => {
      await sync();
      if (isLeaving || (current && current !== before && isFresh(current, now()))) return;
      if (current || !hasTokens) return exchange(current);
      setState('signed_out');
    }).finally(release);
  }

  /** One request. Gives the answer when it decided nothing. */
  async function exchange(presented: Grant | null): Promise<Reply | undefined> {
    // What a cookie shows is newer than every sign-out before the request, and older than every one
    // after it.
    const sent: Presented = presented ?? { epoch: nextEpoch(), step: 0 };
    epoch = sent.epoch;
    const at = now();
    const reply = hasTokens
      ? await post('/oauth/token', {
          grant_type: 'refresh_token',
          refresh_token: sent.refresh as string,
        })
      : await post('/browser/refresh');
    await sync();
    const grant = reply.status === 200 && toGrant(sent, reply, hasTokens, at);
    if (sent.epoch <= ended.endedAt) setState('signed_out', ended.reason);
    else if (grant) adopt(grant, true);
    else if (isRefusal(reply) && current === presented) end(sent.epoch, reply.reason ?? null, true);
    else return reply;
  }

  /** Waits, or less when there is news. */
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, ms);
      nudge = resolve;
    });
  }

  function schedule(): void {
    clearTimeout(timer as never);
    if (!current || isClosed) return;
    timer = setTimeout(tick, Math.min(nextAt() - now(), MAX_TIMER_MS));
  }

  const nextAt = () => Math.max(dueAt, retryAt, imposedUntil);

  /** A page that nobody sees does not keep its session alive. */
  function tick(): void {
    if (!current) return;
    if (now() < nextAt() && now() >= current.at) schedule();
    else if (host.document?.visibilityState !== 'hidden') refresh().catch(() => {});
  }

  function wake(): void {
    retryAt = 0;
    nudge();
    sync().then(tick);
  }

  /** Refreshes what has expired or was refused. Whether there is a session. */
  async function ensure(refused?: unknown): Promise<boolean> {
    await ready;
    if (current === refused ? state !== 'signed_out' : current && !isFresh(current, now()))
      await refresh();
    return state === 'active';
  }

  // Signing out

  async function leave(path: string): Promise<void> {
    isLeaving = true;
    channel?.postMessage({ isLeaving });
    abort();
    try {
      await track(tell(path));
      end(nextEpoch(), 'signed_out', true);
    } finally {
      isLeaving = false;
    }
  }

  async function signOut(): Promise<void> {
    if (!hasTokens) return leave('/browser/sign-out');
    await ready;
    await sync();
    if (!current) return;
    const token = current.refresh as string;
    end(current.epoch, 'signed_out', true);
    await tell('/oauth/revoke', { token });
  }

  async function signOutEverywhere(): Promise<void> {
    if (!hasTokens) return leave('/browser/sign-out-everywhere');
    const { ok } = await authorizedFetch(`${base}/v1/sessions/revoke-others`, { method: 'POST' });
    if (!ok) throw new SessionUnavailableError();
    await signOut();
  }

  const authorizedFetch = createFetch(
    send,
    page ?? base,
    isResource,
    !hasTokens,
    () => current,
    ensure,
  );
  const onChange = (listener: Listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };

  const client: TokenSessionClient = {
    get session() {
      return state;
    },
    fetch: authorizedFetch,
    refresh: ({ signal } = {}) => untilAborted(refresh(), signal),
    getAccessToken: async ({ signal } = {}) => {
      await untilAborted(ensure(), signal);
      return current?.access ?? null;
    },
    start: async (tokens) => {
      await sync();
      const grant = toGrant({ epoch: nextEpoch(), step: 0 }, tokens, true, now());
      if (!grant) throw new TypeError('No tokens');
      isStored = false;
      adopt(grant, true);
      await sync();
    },
    signOut,
    signOutEverywhere,
    onChange,
    onSignedOut: (listener) => onChange((_, reason) => reason !== undefined && listener(reason)),
    wake,
    close: () => {
      isClosed = true;
      schedule();
      abort();
      nudge();
      channel?.close();
      channel = null;
      for (const type of WAKE_EVENTS) host.removeEventListener?.(type, wake);
    },
  };
  return client;
}

/** Milliseconds until the next try, spread so that many clients do not come back together. */
const backOff = (tries: number) => 125 * 2 ** tries * (0.5 + Math.random());
