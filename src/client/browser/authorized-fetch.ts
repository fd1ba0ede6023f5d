/**
 * Requests with the session's credentials. They go to the allowed resources alone: a request
 * elsewhere is passed on as it is, and one that carries a token follows no redirect, since that
 * could take the token anywhere.
 */
import type { Left } from './clock';
import type { Grant } from './grant';
import { toHref } from './resources';
import type { Setup } from './setup';

/**
 * Settles as `work` does, or rejects as soon as `signal` is aborted; `work` itself goes on for
 * others.
 */
export function untilAborted<T>(work: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason ?? new Error('Aborted'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * A `fetch` that sends what `current` gives: another value after every refresh, null when there is
 * nothing. `ensure` refreshes what has expired, or was refused, and says whether there is anything
 * to send.
 */
export function createFetch(
  { send, origin, isResource, isBearer, clock }: Setup,
  current: () => Grant | null,
  ensure: (refused?: Grant | null) => Promise<boolean>,
) {
  /** By URL or host, and sign-in: how long no refresh is worth a try against its 401. */
  const unhelped = new Map<string, Left>();
  return async (input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> => {
    const request = (input as Request).url ? (input as Request) : null;
    // The URL that is sent is also the one that is compared, so that a page's <base> takes nothing
    // elsewhere.
    const url = toHref(request?.url ?? `${input}`, origin);
    if (!isResource(url)) return send(input, init);

    const keys = () =>
      [url.split('?')[0], url.split('/')[2]].map((part) => `${part} ${current()?.epoch}`);
    const signal = init.signal ?? request?.signal;
    await untilAborted(ensure(), signal);
    // A Request can be sent once; its clones can each be.
    const whole = request && new Request(request, init);
    const given = whole ?? init;
    const attempt = async () => {
      const headers = new Headers(given.headers);
      const access = current()?.access;
      if (access) headers.set('Authorization', `Bearer ${access}`);
      const changes = {
        headers,
        ...(!isBearer ? { credentials: 'include' } : access && { redirect: 'manual' }),
      } as RequestInit;
      const response = await (whole
        ? send(whole.clone(), changes)
        : send(url, { ...init, ...changes }));
      // Status 0 is a redirect that a browser does not show. `redirect: 'error'` would do, but
      // Workers have no such mode.
      if (access && given.redirect !== 'manual' && /^(0|30[12378])$/.test(response.status as never))
        throw new TypeError('Redirected');
      if (response.status !== 401) keys().map((key) => unhelped.delete(key));
      return response;
    };

    const used = current();
    const response = await attempt();
    if (response.status !== 401 || isStepUp(response)) return response;
    if (used === current() && keys().some((key) => unhelped.get(key)?.())) return response;
    if (!(await untilAborted(ensure(used), signal))) return response;
    // An API that refuses every token must not cost a refresh a call: one for each life of a token.
    keys().map((key) => unhelped.set(key, clock.span(current()?.lifeMs ?? 0)));
    // A stream has been read: the next call finds the new token.
    if (!whole && isStream(init.body)) return response;
    return attempt();
  };
}

/**
 * Whether the person has to sign in again, or more strongly (RFC 9470 §3), which no refresh
 * changes.
 */
export const isStepUp = ({ headers }: Response): boolean =>
  /insufficient_user_authentication/.test(headers.get('WWW-Authenticate') ?? '');

export const isStream = (body: unknown) =>
  Object(body).getReader || Object(body)[Symbol.asyncIterator];
