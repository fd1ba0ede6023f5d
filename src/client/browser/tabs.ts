/**
 * The conversation with the other tabs of the app: messages, and a lock that only saves requests.
 * Nothing depends on either: without them each tab refreshes for itself, which the service answers
 * with the same successor.
 */
import type { Grant } from './grant';
import { type Channel, host } from './host';
import type { Setup } from './setup';
import type { Message } from './state';

/** Longest wait for the tab that refreshes right now: it may be frozen. */
const LOCK_WAIT_MS = 300;

export interface Tabs {
  tell(message: Message): void;
  /**
   * Waits for the tab that refreshes right now, but not for long. Call what it gives when done.
   * Where there are no locks, or no time-outs for them, it waits for nobody.
   */
  lock(): Promise<() => void>;
  /**
   * Shows the other tabs that they can wait for what is in the memory of this one; null: no more.
   */
  hold(held: Grant | null): void;
  /** Whether another tab is there that has a session. False where browsers cannot tell. */
  isHeld(): Promise<unknown>;
  close(): void;
}

export function openTabs({ name, hasTokens }: Setup, onMessage: (message: Message) => void): Tabs {
  let channel: Channel | undefined;
  // A shared lock: a browser releases it when a tab goes, however it goes.
  const sign = `${name} held`;
  let letGo: (() => void) | undefined;
  const locks = host.navigator?.locks;
  // It is missing in some places, and off limits in others.
  try {
    channel = new (host.BroadcastChannel as NonNullable<typeof host.BroadcastChannel>)(name);
    channel.onmessage = ({ data }) => onMessage(data as Message);
  } catch {}

  function hold(held: Grant | null): void {
    if (!held === !letGo) return;
    letGo?.();
    letGo = undefined;
    if (!held || !locks || !hasTokens) return;
    const gone = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    locks.request(sign, { mode: 'shared' }, () => gone).catch(() => {});
  }

  return {
    tell: (message) => channel?.postMessage(message),
    lock: () =>
      new Promise<() => void>((resolve, reject) => {
        const held = () => new Promise<void>(resolve);
        // A missing part throws, which rejects.
        (locks as NonNullable<typeof locks>)
          .request(name, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, held)
          .catch(reject);
      }).catch(() => () => {}),
    hold,
    isHeld: async () => {
      const found = await locks?.query().catch(() => null);
      return found?.held?.filter((lock) => lock.name === sign)[letGo ? 1 : 0];
    },
    close: () => {
      hold(null);
      channel?.close();
      channel = undefined;
    },
  };
}
