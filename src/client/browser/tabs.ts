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
  close(): void;
}

export function openTabs(name: string, onMessage: (message: Message) => void): Tabs {
  let channel: Channel | null = null;
  if (host.BroadcastChannel) {
    channel = new host.BroadcastChannel(name);
    channel.onmessage = ({ data }) => onMessage(data as Message);
  }
  return {
    get canReach() {
      return channel !== null;
    },
    tell: (message) => channel?.postMessage(message),
    acquire: () =>
      new Promise<() => void>((resolve, reject) => {
        const held = () => new Promise<void>((release) => resolve(release));
        // A missing part throws, which rejects.
        (host.navigator as NonNullable<typeof host.navigator>).locks
          .request(name, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, held)
          .catch(reject);
      }).catch(() => () => {}),
    close: () => {
      channel?.close();
      channel = null;
    },
  };
}
