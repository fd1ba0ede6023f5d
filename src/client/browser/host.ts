/** The globals that a browser has, a worker may have, and React Native has not. */

export interface Channel {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** `persisted`: of `pageshow`, when the page comes out of the back-forward cache. */
export interface HostEvent {
  type: string;
  persisted?: boolean;
}

interface Host {
  BroadcastChannel?: new (name: string) => Channel;
  navigator?: {
    locks: {
      request(
        name: string,
        options: { signal: AbortSignal } | { mode: 'shared' },
        held: () => unknown,
      ): Promise<unknown>;
      query(): Promise<{ held?: { name: string }[] }>;
    };
  };
  localStorage?: {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
  };
  document?: { visibilityState?: string };
  location?: { href: string };
  addEventListener?(type: string, listener: (event: HostEvent) => void): void;
  removeEventListener?(type: string, listener: (event: HostEvent) => void): void;
}

export const host = globalThis as unknown as Host;
