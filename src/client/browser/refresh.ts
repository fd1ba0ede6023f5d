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
import type { ResourceForm, Setup } from './setup';
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

/** What a refresh is to give in place of a token for every audience of the session. */
export interface Asked {
  form: ResourceForm;
  /** Takes what was given for it, and returns what the session has from then on. Default: that. */
  take?(given: Grant, presented: Grant | null): Grant;
}

export interface Refresher {
  /** Refreshes now; calls that ask for the same while one runs share it. */
  refresh(asked?: Asked): Promise<SessionState>;
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
  replace(work: () => Promise<void>): Promise<void>;
}

export interface Parts {
  setup: Setup;
  holder: Holder;
  storage: StorageSync;
  requests: Requests;
  tabs: Tabs;
  mark: Mark;
}

/** What a client has for the parts that stand beside it, and shows nobody who prints it. */
export interface Inner {
  parts(): Parts & { refresher: Refresher };
}

/** `ready` resolves when it is known what this tab has. */
export function createRefresher(parts: Parts, ready: () => Promise<void>): Refresher {
  const { setup, holder, storage, requests } = parts;
  const { clock, isBearer } = setup;
  let inFlight: Promise<SessionState> | null = null;
  /** What the last refresh in the line asks for. */
  let underWay: Asked | undefined;
  /** The cookies are being removed: none may come back with the answer of a refresh. */
  let isReplaced = false;
  let due: Left = () => 0;
  let cancelTimer = () => {};
  const waitMs = () => Math.max(due(), requests.waitMs());

  function schedule(): void {
    cancelTimer();
    if (!holder.state.current || holder.state.isClosed) return;
    cancelTimer = clock.after(Math.min(waitMs(), MAX_TIMER_MS), tick);
  }

  /** A page that nobody sees does not keep its session alive. */
  function tick(): void {
    if (waitMs() > 0) schedule();
    else if (holder.state.current) look();
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

  /** One after the other: each presents what the one before was given. */
  function refresh(asked?: Asked): Promise<SessionState> {
    if (inFlight && (isReplaced || asked === underWay)) return inFlight;
    underWay = asked;
    const before: Promise<unknown> = inFlight ?? ready();
    return track(before.catch(() => {}).then(() => rotate(parts, () => isReplaced, asked)));
  }

  return {
    refresh,
    ensure: async (refused) => {
      await ready();
      const { current, session } = holder.state;
      const isKnown = current ? isFresh(current, clock) : !isBearer || session !== 'unknown';
      if (current === refused ? session !== 'signed_out' : !isKnown) await refresh();
      return holder.state.session === 'active';
    },
    plan: (grant) => {
      if (grant) due = clock.span(grant.dueMs + clock.random() * grant.lifeMs * 0.05, grant.at);
      schedule();
    },
    look,
    wake: () => {
      requests.nudge();
      storage.sync().then(() => (holder.state.session === 'unknown' ? look() : tick()));
    },
    replace: async (work) => {
      isReplaced = true;
      requests.abort();
      await track(work()).finally(() => {
        isReplaced = false;
      });
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
  while (times-- && !holder.state.isClosed) {
    tabs.tell({});
    if (!host.BroadcastChannel || !setup.hasTokens) return;
    await requests.pause(ASK_WAIT_MS);
    if (!isElsewhere(parts) || !(await tabs.isHeld())) return;
  }
}

async function rotate(parts: Parts, isReplaced: () => boolean, asked?: Asked): Promise<void> {
  const { setup, holder, storage, requests, tabs } = parts;
  const before = holder.state.current;
  // A tab that slept may be many steps behind, and a token from so long ago would be taken for a
  // stolen one.
  const isLate = before && !isFresh(before, setup.clock);
  if (isLate) await askOtherTabs(parts);
  const release = await tabs.lock();
  await requests
    .retry(async () => {
      await storage.sync();
      if (isElsewhere(parts) && holder.state.session !== 'signed_out')
        await askOtherTabs(parts, isLate ? 1 : MAX_ASKS);
      const { current } = holder.state;
      const isDone = !asked && current && current !== before && isFresh(current, setup.clock);
      if (isReplaced() || isDone) return undefined;
      if (!isElsewhere(parts)) return exchange(parts, current, asked);
      // Never presented: a token that is known to be behind.
      if (await tabs.isHeld()) throw new SessionUnavailableError();
      // A sign-in that has come meanwhile stays.
      if (!isElsewhere(parts)) return undefined;
      // Only another tab had the token, and is gone. What is heard of it later is taken again.
      const reason = holder.state.current ? null : undefined;
      holder.patch({ session: 'signed_out', current: null }, reason);
      return undefined;
    })
    .finally(release);
}

/** One request. Gives the answer when it decided nothing. */
async function exchange(
  { setup, holder, storage, requests, tabs }: Parts,
  presented: Grant | null,
  asked: Asked | undefined,
): Promise<Reply | undefined> {
  // No script sees which session a cookie is of. It is of the newest one at the time of the
  // request, so the request has an epoch: after every sign-out before it, before every one later.
  const sent: Presented = presented ?? holder.begin();
  holder.patch({ epoch: sent.epoch });
  const at = setup.clock.now();
  const reply = await requests.post(setup.hasTokens ? 'oauth/token' : 'browser/refresh', {
    grant_type: 'refresh_token',
    refresh_token: sent.refresh as string,
    ...asked?.form,
  });
  await storage.sync();
  // A browser without the cookies is told no reason. The tab that had them removed knows it, and
  // may not have come to say so yet: that it is leaving, or that it has left.
  if (presented && requests.isEnd(reply) && !reply.reason) {
    tabs.tell({});
    await requests.pause(ASK_WAIT_MS);
    await requests.pause(requests.waitMs());
  }
  const grant = reply.ok && toGrant(sent, reply, setup, at);
  const { current, ended } = holder.state;
  if (sent.epoch <= ended.endedAt) holder.patch({ session: 'signed_out' }, ended.reason);
  else if (grant) holder.adopt(asked?.take?.(grant, presented) ?? grant, true);
  else if (requests.isEnd(reply) && current === presented)
    holder.end({ endedAt: sent.epoch, reason: reply.reason ?? null }, true);
  else return reply;
  return undefined;
}
