/**
 * The conversation with the other tabs of the app: messages, and a lock that only saves requests.
 * Nothing depends on either: without them each tab refreshes for itself, which the service answers
 * with the same successor.
 */
import { type Channel, host } from './host';
import type { Message } from './state';

/** Longest wait for the tab that refreshes right now: it may be frozen. */
const LOCK_WAIT_MS = 300;

export interface Tabs {
  /** Whether there is a way to reach other tabs. */
  readonly canReach: boolean;
  tell(message: Message): void;
  /**
   * Waits for the tab that refreshes right now, but not for long. Call what it gives when done.
   * Where there are no locks, or no time-outs for them, it waits for nobody.
   */
  acquire(): Promise<() => void>;
  /** Shows the other tabs that this one has a session, or has it no more. */
  hold(isHolder: boolean): void;
  /** Whether another tab is there that has a session. False where browsers cannot tell. */
  isHolderElsewhere(): Promise<boolean>;
  close(): void;
}

export function openTabs(name: string, onMessage: (message: Message) => void): Tabs {
  let channel: Channel | null = null;
  // A shared lock: a browser releases it when a tab goes, however it goes.
  const sign = `${name} held`;
  let letGo: (() => void) | null = null;
  const locks = host.navigator?.locks;
  if (host.BroadcastChannel) {
    channel = new host.BroadcastChannel(name);
    channel.onmessage = ({ data }) => onMessage(data as Message);
  }

  function hold(isHolder: boolean): void {
    if (isHolder === !!letGo) return;
    letGo?.();
    letGo = null;
    if (!isHolder || !locks) return;
    const gone = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    locks.request(sign, { mode: 'shared' }, () => gone).catch(() => {});
  }

  return {
    canReach: !!channel,
    tell: (message) => channel?.postMessage(message),
    acquire: () =>
      new Promise<() => void>((resolve, reject) => {
        const held = () => new Promise<void>(resolve);
        // A missing part throws, which rejects.
        (locks as NonNullable<typeof locks>)
          .request(name, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, held)
          .catch(reject);
      }).catch(() => () => {}),
    hold,
    isHolderElsewhere: async () => {
      const found = await locks?.query().catch(() => null);
      const count = found?.held?.filter((lock) => lock.name === sign).length ?? 0;
      return count > (letGo ? 1 : 0);
    },
    close: () => {
      hold(false);
      channel?.close();
      channel = null;
    },
  };
}
