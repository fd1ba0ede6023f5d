/**
 * The conversation with the service: what is sent, which answer ends a session, and how long to
 * wait before asking again.
 */
import type { Left } from './clock';
import type { Answer } from './grant';
import type { Holder } from './holder';
import type { Setup } from './setup';
import { SessionUnavailableError } from './types';

const MAX_RETRIES = 4;
/**
 * Longest wait within one call. A `Retry-After` beyond it rejects at once; the timer honours it.
 */
const MAX_PAUSE_MS = 10_000;
/**
 * The longest `Retry-After` (RFC 9110 §10.2.3) that is believed: it may be of a proxy that knows
 * nothing of the service.
 */
const MAX_IMPOSED_MS = 120_000;
/** How long no refresh starts while another tab has the cookies removed. */
const LEAVE_WAIT_MS = 3_000;

/** An answer of the service; a request without one has status 0. */
export type Reply = Answer & {
  status: number;
  /** As the service answers a sign-out: 200 is also any page that answers in its place. */
  isTold?: boolean;
  /** Seconds, by `Retry-After`. */
  delay?: number;
  error?: string;
  code?: string;
  reason?: string | null;
};

export interface Requests {
  /** One request. Never rejects. */
  post(path: string, form?: Record<string, string>): Promise<Reply>;
  /** Whether it is one of the only answers that end a session. */
  isEnd(reply: Reply): boolean;
  /**
   * Tries until `attempt` gives no answer to try again after. `isUrgent`: the first try waits for
   * nothing. Rejects with `SessionUnavailableError`.
   */
  retry(attempt: () => Promise<Reply | undefined>, isUrgent?: boolean): Promise<void>;
  /**
   * Tells the service that the session is over, at once even when it has asked for a pause: a
   * person wants to leave. Rejects with `SessionUnavailableError`.
   */
  tell(path: string, form?: Record<string, string>): Promise<void>;
  /** Gives up the request that is under way. */
  abort(): void;
  /** Waits, or less when there is news. */
  pause(ms: number): Promise<void>;
  /**
   * There is news: whoever waits goes on, and the client's own back-off is forgotten, but not what
   * the service asked for.
   */
  nudge(): void;
  /**
   * Gives up the request that is under way, and starts none for so many milliseconds. Default: for
   * as long as another tab may take to have the cookies removed.
   */
  holdBack(ms?: number): void;
  /** Milliseconds until a request may start by itself. */
  waitMs(): number;
}

export function createRequests(setup: Setup, holder: Holder): Requests {
  const { random, after, span } = setup.clock;
  /** By the client's own back-off, and by the service's `Retry-After`. */
  let ownPause: Left = () => 0;
  let imposed: Left = ownPause;
  let running: AbortController | undefined;
  let nudge = () => {};

  /** Milliseconds until the next try, spread so that many clients do not come back together. */
  const backOff = (tries: number) => 125 * 2 ** tries * (0.5 + random());

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      after(ms, resolve);
      nudge = resolve;
    });
  }

  const post = (path: string, form?: Record<string, string>) => {
    running = new AbortController();
    return request(setup, path, form, running);
  };

  // Of cookies: session_ended, ambiguous_cookie.
  const isEnd = ({ status, error, code }: Reply) =>
    setup.hasTokens
      ? status === 400 && error === 'invalid_grant'
      : status === 401 && /_ended|_cookie$/.test(code as string);

  async function retry(
    attempt: () => Promise<Reply | undefined>,
    isUrgent?: boolean,
  ): Promise<void> {
    for (let tries = 0; ; tries++) {
      const waitMs = isUrgent && !tries ? 0 : Math.max(imposed(), tries && backOff(tries));
      if (holder.state.isClosed || waitMs > MAX_PAUSE_MS) throw new SessionUnavailableError();
      if (waitMs > 0) await pause(waitMs);
      const reply = await attempt();
      if (!reply) return;
      const { status, delay, code, error } = reply;
      if (delay) imposed = span(Math.min(delay * 1000, MAX_IMPOSED_MS));
      ownPause = span(backOff(MAX_RETRIES + 3));
      // Another try mends no answer, 429 and above, a page that is not the service's, and the
      // refusal of what was superseded meanwhile.
      const isTransient = status < 300 || status > 428 || isEnd(reply);
      if (!isTransient || tries >= MAX_RETRIES) throw new SessionUnavailableError(code ?? error);
    }
  }

  return {
    post,
    isEnd,
    retry,
    tell: (path, form) =>
      retry(async () => {
        const reply = await post(path, form);
        return reply.isTold ? undefined : reply;
      }, true),
    abort: () => running?.abort(),
    pause,
    nudge: () => {
      ownPause = () => 0;
      nudge();
    },
    holdBack: (ms = LEAVE_WAIT_MS) => {
      imposed = span(ms);
      running?.abort();
    },
    waitMs: () => Math.max(ownPause(), imposed()),
  };
}

/** One request, until `controller` gives it up. */
async function request(
  setup: Setup,
  path: string,
  form: Record<string, string> | undefined,
  controller: AbortController,
): Promise<Reply> {
  const cancel = setup.clock.after(setup.timeoutMs, () => controller.abort());
  try {
    const response = await setup.send(setup.base + path, {
      method: 'POST',
      body: setup.hasTokens
        ? new URLSearchParams({ ...form, client_id: setup.clientId })
        : JSON.stringify({ resource: form?.resource }),
      // A redirect could take the refresh token anywhere.
      redirect: 'manual',
      signal: controller.signal,
      keepalive: true,
      ...(!setup.hasTokens && {
        credentials: 'include',
        headers: { 'Content-Type': 'application/json' },
      }),
    } as RequestInit);
    const body = (await response.json().catch(() => null)) as Partial<Reply> | null;
    return {
      ...body,
      status: response.status,
      isTold: setup.hasTokens ? response.ok : response.status === 204,
      delay: +(response.headers.get('Retry-After') as string),
    };
  } catch {
    return { status: 0 };
  } finally {
    cancel();
  }
}
