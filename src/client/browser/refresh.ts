/**
 * Refreshing: ahead of expiry by a timer, when asked to, and once for all callers. A refresh is
 * safe to repeat, so nothing here is correct because of a lock: a tab that waits for another does
 * so briefly and then goes on.
 */
import type { Left } from './clock';
import { type Grant, isFresh, type Presented, toGrant } from './grant';
import type { Holder } from './holder';
import { host } from './host';
import type { Mark } from './mark';
import type { Reply, Requests } from './requests';
import type { Setup } from './setup';
import type { StorageSync } from './storage';
import type { Tabs } from './tabs';
import { type SessionState, SessionUnavailableError } from './types';

/** How long other tabs have to say what they have. */
const ASK_WAIT_MS = 150;
/** How often a tab is asked that has what is missing here, and is busy. */
const MAX_ASKS = 20;
/**
 * Timers stop while a device sleeps, so none is longer than this before the clock is read again.
 */
const MAX_TIMER_MS = 30_000;

export interface Refresher {
  /** Refreshes now; calls while one runs share it. */
  refresh(): Promise<SessionState>;
  /**
   * Refreshes what has expired, or the grant that an API refused. Resolves to whether there is a
   * session.
   */
  ensure(refused?: Grant | null): Promise<boolean>;
  /** Plans the refresh that this grant needs; null plans none. */
  plan(grant: Grant | null): void;
  /** Finds out whether there is a session, unless nobody sees the page. */
  look(): void;
  /** Reads the clock and the storage again. */
  wake(): void;
  /** Runs `work` in the place of refreshes: those asked for meanwhile share its outcome. */
  replaceBy(work: () => Promise<void>): Promise<void>;
}

export interface Parts {
  setup: Setup;
  holder: Holder;
  storage: StorageSync;
  requests: Requests;
  tabs: Tabs;
  mark: Mark;
}

/** `ready` resolves when it is known what this tab has. */
export function createRefresher(parts: Parts, ready: () => Promise<void>): Refresher {
  const { setup, holder, storage, requests } = parts;
  const { random, after, span } = setup.clock;
  let inFlight: Promise<SessionState> | null = null;
  /** The cookies are being removed: none may come back with the answer of a refresh. */
  let isReplaced = false;
  let due: Left = () => 0;
  let cancelTimer = () => {};

  const waitMs = () => Math.max(due(), requests.waitMs());

  function schedule(): void {
    cancelTimer();
    if (!holder.state.current || holder.isClosed) return;
    cancelTimer = after(Math.min(waitMs(), MAX_TIMER_MS), tick);
  }

  /** A page that nobody sees does not keep its session alive. */
  function tick(): void {
    if (!holder.state.current) return;
    if (waitMs() > 0) schedule();
    else look();
  }

  function look(): void {
    if (host.document?.visibilityState !== 'hidden') refresh().catch(setup.onError);
  }

  function track(work: Promise<unknown>): Promise<SessionState> {
    const mine = work
      .then(() => holder.state.session)
      .finally(() => {
        if (inFlight === mine) inFlight = null;
        schedule();
      });
    inFlight = mine;
    return mine;
  }

  const refresh = () => inFlight ?? track(ready().then(() => rotate(parts, () => isReplaced)));

  return {
    refresh,
    ensure: async (refused) => {
      await ready();
      const { current, session } = holder.state;
      const isKnown = current
        ? isFresh(current, setup.clock)
        : !setup.isBearer || session !== 'unknown';
      const isNeeded = current === refused ? session !== 'signed_out' : !isKnown;
      if (isNeeded) await refresh();
      return holder.state.session === 'active';
    },
    plan: (grant) => {
      if (grant) due = span(grant.dueMs + random() * grant.lifeMs * 0.05, grant.at);
      schedule();
    },
    look,
    wake: () => {
      requests.nudge();
      storage.sync().then(() => (holder.state.session === 'unknown' ? look() : tick()));
    },
    replaceBy: async (work) => {
      isReplaced = true;
      requests.abort();
      try {
        await track(work());
      } finally {
        isReplaced = false;
      }
    },
  };
}

/** Whether the refresh token is in another tab alone, if it is anywhere. */
function isElsewhere({ setup, holder, mark }: Parts): boolean {
  const { current } = holder.state;
  return setup.hasTokens && (!current || mark.isAhead(current));
}

/**
 * Asks the other tabs for what they have, and gives them a moment to answer: a long one when this
 * tab lacks it and another has it, which may be busy.
 */
export async function askOtherTabs(parts: Parts, times = MAX_ASKS): Promise<void> {
  const { setup, holder, tabs, requests } = parts;
  for (let left = times; left && !holder.isClosed; left -= 1) {
    tabs.tell({});
    if (!host.BroadcastChannel || !setup.hasTokens) return;
    await requests.pause(ASK_WAIT_MS);
    if (!isElsewhere(parts) || !(await tabs.isHolderElsewhere())) return;
  }
}

async function rotate(parts: Parts, isReplaced: () => boolean): Promise<void> {
  const { setup, holder, storage, requests, tabs } = parts;
  const before = holder.state.current;
  // A tab that slept may be many steps behind, and a token from so long ago would be taken for a
  // stolen one.
  const isLate = before && !isFresh(before, setup.clock);
  if (isLate) await askOtherTabs(parts);
  const release = await tabs.acquire();
  await requests
    .persevere(async () => {
      await storage.sync();
      if (isElsewhere(parts) && holder.state.session !== 'signed_out')
        await askOtherTabs(parts, isLate ? 1 : MAX_ASKS);
      const { current } = holder.state;
      if (isReplaced() || (current && current !== before && isFresh(current, setup.clock))) return;
      if (!isElsewhere(parts)) return exchange(parts, current);
      // Never presented: a token that is known to be behind.
      if (await tabs.isHolderElsewhere()) throw new SessionUnavailableError();
      // A sign-in that has come meanwhile stays.
      if (isElsewhere(parts)) holder.drop();
    })
    .finally(release);
}

/** One request. Gives the answer when it decided nothing. */
async function exchange(
  { setup, holder, storage, requests }: Parts,
  presented: Grant | null,
): Promise<Reply | undefined> {
  // No script sees which session a cookie is of. It is of the newest one at the time of the
  // request, so the request has an epoch: after every sign-out before it, before every one later.
  const sent: Presented = presented ?? holder.begin();
  holder.expect(sent.epoch);
  const at = setup.clock.now();
  const reply = await requests.post(setup.hasTokens ? 'oauth/token' : 'browser/refresh', {
    grant_type: 'refresh_token',
    refresh_token: sent.refresh as string,
    ...setup.asked,
  });
  await storage.sync();
  const grant = reply.ok && toGrant(sent, reply, setup, at);
  const { current, ended } = holder.state;
  if (sent.epoch <= ended.endedAt) holder.show('signed_out', ended.reason);
  else if (grant) holder.adopt(grant, true);
  else if (requests.isRefusal(reply) && current === presented)
    holder.end({ endedAt: sent.epoch, reason: reply.reason ?? null }, true);
  else return reply;
}
