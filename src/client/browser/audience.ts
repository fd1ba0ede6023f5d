/**
 * Access tokens for one API alone, beside the client's own, which are for every audience of the
 * session (RFC 8707 §2.2): an API that is sent one cannot use it at another. It stands beside the
 * client, whose size an app with one API does not pay for.
 */
import { createFetch, untilAborted } from './authorized-fetch';
import { type Grant, isFresh } from './grant';
import type { Asked, Inner } from './refresh';
import type { BearerSessionClient } from './types';

/** The access to one API, for a page or an app. */
export interface AudienceClient {
  /** `fetch` like the session's own, for the same `resources`, with tokens for this API alone. */
  fetch: BearerSessionClient['fetch'];
  /**
   * A token for this API that is good for a request now; null when signed out. Rejects with
   * `SessionUnavailableError`, whose `code` is `invalid_target` where the session has no tokens for
   * it, or with the signal's reason.
   */
  getAccessToken: BearerSessionClient['getAccessToken'];
  /** Asks for a new one now: after a step-up, it says so. */
  refresh: BearerSessionClient['refresh'];
}

/**
 * `audience` is one of the service's `AUDIENCE` that the session may have tokens for. The tokens
 * are in memory, one for each page. Asking for one moves the session on as any refresh does, and
 * leaves its other tokens as they are. For `mode: 'memory'` and `mode: 'token'`: with cookies no
 * page sees a token. Throws a `TypeError` there.
 */
export function withAudience(session: BearerSessionClient, audience: string): AudienceClient {
  const { setup, holder, refresher } = (session as unknown as Inner).parts();
  if (!setup.isBearer) throw new TypeError('With cookies there are no tokens for one audience');
  let given: Grant | null = null;
  const asked: Asked = {
    form: { resource: audience },
    take: (grant, presented) => {
      given = grant;
      return withTokenOf(presented, grant);
    },
  };

  /** The token, as long as it is of the session that there is. */
  function current(): Grant | null {
    const { current: held } = holder.state;
    const isSame = held?.epoch === given?.epoch && held?.claims?.sid === given?.claims?.sid;
    return isSame ? given : null;
  }

  async function ensure(refused?: Grant | null): Promise<boolean> {
    const token = current();
    const isGood = token !== null && token !== refused && isFresh(token, setup.clock);
    if (!isGood && holder.state.session !== 'signed_out') await refresher.refresh(asked);
    return holder.state.session === 'active';
  }

  return {
    fetch: createFetch(setup, current, ensure),
    getAccessToken: async ({ signal } = {}) => {
      await untilAborted(ensure(), signal);
      return current()?.access ?? null;
    },
    refresh: ({ signal } = {}) => untilAborted(refresher.refresh(asked), signal),
  };
}

/**
 * The session as the grant has it, with the token for every audience that it had before. Where it
 * had none, or another account has become current, the next who needs one refreshes.
 */
function withTokenOf(presented: Grant | null, grant: Grant): Grant {
  const { claims } = presented ?? {};
  const isOther = claims && claims.sid !== grant.claims?.sid;
  const former = isOther ? null : presented;
  const { access, at, lifeMs, dueMs } = former ?? { ...grant, access: undefined, lifeMs: 0 };
  return { ...grant, access, at, lifeMs, dueMs };
}
