/**
 * Brings memory and the app's storage together, one round at a time, so that nothing comes back
 * that was removed. Memory comes first: storage that fails costs nothing but what a reload would
 * have found.
 */
import type { Grant } from './grant';
import type { Holder } from './holder';
import { reconcile } from './state';
import type { TokenStorage } from './types';

export interface StorageSync {
  /** Resolves when memory and storage agree; never rejects. */
  sync(): Promise<void>;
  /** What the storage holds from now on is not ours until it was written or read again. */
  forget(): void;
}

export function createStorageSync(
  storage: TokenStorage | undefined,
  key: string,
  holder: Holder,
): StorageSync {
  /** The storage has held our tokens, so finding it empty means that someone signed out. */
  let isStored = false;
  let queue = Promise.resolve();

  async function round(store: TokenStorage): Promise<void> {
    const before = holder.state.current;
    const stored = await read(store, key);
    const { current } = holder.state;
    switch (reconcile(holder.state, stored, isStored ? before : null)) {
      case 'adopt':
        isStored = true;
        return holder.adopt(stored as Grant);
      case 'end':
        return holder.end({ endedAt: (before as Grant).epoch, reason: 'signed_out' });
      case 'write':
        await store.set(key, JSON.stringify(current));
        isStored = true;
        return;
      case 'remove':
        await store.remove(key);
    }
  }

  return {
    sync: () => {
      if (storage) queue = queue.then(() => round(storage)).catch(() => {});
      return queue;
    },
    forget: () => {
      isStored = false;
    },
  };
}

async function read(store: TokenStorage, key: string): Promise<Grant | null | undefined> {
  try {
    return JSON.parse((await store.get(key)) ?? 'null');
  } catch {
    // What cannot be read says nothing.
    return undefined;
  }
}
