/**
 * What the tabs of one app share: messages, and a lock that only saves requests. Nothing depends on
 * either: without them each tab refreshes for itself, which the service answers with the same
 * successor.
 */

interface Channel {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

interface Navigator {
  locks: {
    request(name: string, options: { signal: AbortSignal }, held: () => unknown): Promise<unknown>;
  };
}

/** What a browser has, a worker may have, and React Native has not. */
interface Host {
  BroadcastChannel?: new (name: string) => Channel;
  navigator?: Navigator;
  document?: { visibilityState?: string };
  location?: { href: string };
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

export const host = globalThis as unknown as Host;

/** Messages to and from the other tabs; null where there is no way to reach them. */
export function openChannel(name: string, onMessage: (message: unknown) => void): Channel | null {
  if (!host.BroadcastChannel) return null;
  const channel = new host.BroadcastChannel(name);
  channel.onmessage = ({ data }) => onMessage(data);
  return channel;
}

/**
 * Waits for the tab that refreshes right now, but never longer than `waitMs`: it may be frozen.
 * Call what it gives when done. Where there are no locks, or no time-outs for them, it waits for
 * nobody.
 */
export function acquire(name: string, waitMs: number): Promise<() => void> {
  return new Promise<() => void>((resolve, reject) => {
    const held = () => new Promise<void>((release) => resolve(release));
    // A missing part throws, which rejects.
    (host.navigator as Navigator).locks
      .request(name, { signal: AbortSignal.timeout(waitMs) }, held)
      .catch(reject);
  }).catch(() => () => {});
}
