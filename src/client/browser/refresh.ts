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

/** A request for a token of one API, in place of a token for every audience of the session. */
export interface Asked {
  form: ResourceForm;
  /** Takes what was given for it, and returns what the session has from then on. Default: that. */
  take?(given: Grant, presented: Grant | null): Grant;
}

export interface Refresher {
  /** Refreshes now; calls that ask for the same while one runs share it. */
  refresh(asked?: Asked): Promise<SessionState>;
  /**
   * Refreshes what has expired, or the grant that an API refused; `isToTell`: also one that does
   * not say whose session it is. Resolves to whether there is a session.
   */
  ensure(refused?: Grant | null, isToTell?: boolean): Promise<boolean>;
  /** Plans the refresh that this grant needs; null plans none. */
  plan(grant: Grant | null): void;
  /** Finds out whether there is a session, unless nobody sees the page. */
  look(): void;
  /**
   * Reads the clock and the storage again. A page that a browser restores may have missed anything,
   * so it finds out.
   */
  wake(isRestored?: boolean): void;
  /** Runs `work` in the place of refreshes: those asked for meanwhile share its outcome. */
  replace(work: () => Promise<void>): Promise<unknown>;
}

export interface Parts {
  setup: Setup;
  holder: Holder;
  storage: StorageSync;
  requests: Requests;
  tabs: Tabs;
  mark: Mark;
}

/**
 * The parts of a client, for the functions that stand beside it. Printing the client does not show
 * them.
 */
export interface Inner {
  parts(): Parts & { refresher: Refresher };
}

/** `ready` resolves when it is known what this tab has. */
export function createRefresher(parts: Parts, ready: () => Promise<void>): Refresher {
  const { setup, holder, storage, requests } = parts;
  const { clock, isBearer } = setup;
  /** By what they ask for; null: the cookies are being removed, in the place of all others. */
  const underWay = new Map<Asked | undefined | null, Promise<SessionState>>();
  let last: Promise<SessionState> | null = null;
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

  function track(work: Promise<unknown>, asked?: Asked | null): Promise<SessionState> {
    const onEnd = () => {
      underWay.delete(asked);
      schedule();
    };
    last = work.then(() => holder.state.session).finally(onEnd);
    underWay.set(asked, last);
    return last;
  }

  /** One after the other: each presents what the one before was given. */
  function refresh(asked?: Asked): Promise<SessionState> {
    // No cookie may come back with the answer of a refresh.
    const isReplaced = () => underWay.has(null);
    const begin = () =>
      (last ?? ready()).catch(() => {}).then(() => rotate(parts, isReplaced, asked));
    return underWay.get(null) ?? underWay.get(asked) ?? track(begin(), asked);
  }

  return {
    refresh,
    ensure: async (refused, isToTell) => {
      await ready();
      const { current, session } = holder.state;
      // A backend's session has no claims yet. A service that never tells them is asked once.
      const isKnown = current
        ? (!isToTell || current.claims || current.turn > 1) && isFresh(current, clock)
        : !(isBearer || isToTell) || session !== 'unknown';
      if (current === refused ? session !== 'signed_out' : !isKnown) await refresh();
      return holder.state.session === 'active';
    },
    plan: (grant) => {
      if (grant) due = clock.span(grant.dueMs + clock.random() * grant.lifeMs * 0.05, grant.at);
      schedule();
    },
    look,
    wake: async (isRestored) => {
      requests.nudge();
      await storage.sync();
      (isRestored || holder.state.session === 'unknown' ? look : tick)();
    },
    replace: (work) => {
      requests.abort();
      return track(work(), null);
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
 * tab lacks it and another has it, which may be busy. Where only another tab had it, and is gone,
 * this one is signed out; what is heard of it later is taken again. Resolves to true where it is
 * still there, and nothing is known.
 */
export async function askOtherTabs(parts: Parts, times = MAX_ASKS): Promise<unknown> {
  const { setup, holder, tabs, requests } = parts;
  while (times--) {
    tabs.tell({});
    if (host.BroadcastChannel && setup.hasTokens) await requests.pause(ASK_WAIT_MS);
    const isHeld = await tabs.isHeld();
    // A sign-in that has come meanwhile stays.
    if (!isElsewhere(parts) || holder.state.isClosed) return;
    const reason = holder.state.current ? null : undefined;
    if (!isHeld) return holder.patch({ session: 'signed_out', current: null }, reason);
  }
  return true;
}

async function rotate(parts: Parts, isReplaced: () => boolean, asked?: Asked): Promise<void> {
  const { setup, holder, storage, requests, tabs } = parts;
  const before = holder.state.current;
  // A tab that slept may be many steps behind, and a token from so long ago would be taken for a
  // stolen one.
  const isLate = before && !isFresh(before, setup.clock);
  if (isLate) await askOtherTabs(parts);
  const release = await tabs.lock();
  // A refresh before the end of all sessions waits for nothing.
  const isUrgent = asked === setup.account;
  await requests
    .retry(async () => {
      await storage.sync();
      // Never presented: a token that is known to be behind.
      if (isElsewhere(parts) && (await askOtherTabs(parts, isLate ? 1 : MAX_ASKS)))
        throw new SessionUnavailableError();
      const { current } = holder.state;
      const isDone = !asked && current && current !== before && isFresh(current, setup.clock);
      const isOver = isReplaced() || isDone || isElsewhere(parts);
      return isOver ? undefined : exchange(parts, current, asked);
    }, isUrgent)
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
  const grant = toGrant(sent, reply, setup, at);
  const { current, ended } = holder.state;
  if (sent.epoch <= ended.endedAt) holder.patch({ session: 'signed_out' }, ended.reason);
  else if (grant) holder.adopt(asked?.take?.(grant, presented) ?? grant, true);
  else if (requests.isEnd(reply) && current === presented)
    holder.end({ endedAt: sent.epoch, reason: reply.reason ?? null }, true);
  else return reply;
  return undefined;
}
