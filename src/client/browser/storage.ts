/**
 * Brings memory and the app's storage together, one round at a time, so that nothing comes back
 * that was removed. Memory comes first: a storage that fails is reported, and costs nothing but
 * what a reload would have found.
 */
import type { Grant } from './grant';
import type { Holder } from './holder';
import type { Mark } from './mark';
import type { Setup } from './setup';
import { reconcile } from './state';
import type { TokenStorage } from './types';

/** The most that stores for secrets take (expo-secure-store, and the keychains below it). */
const MAX_BYTES = 2048;

export interface StorageSync {
  /** Resolves when memory and storage agree; never rejects. */
  sync(): Promise<void>;
  /** Forgets what the storage holds: it is not ours until it was written or read again. */
  forget(): void;
}

export function createStorageSync(
  { storage, name, onError }: Setup,
  holder: Holder,
  mark: Mark,
): StorageSync {
  // The characters that expo-secure-store takes.
  const key = name.replace(/[^\w.-]+/g, '-');
  /** The storage has held our tokens, so finding it empty means that someone signed out. */
  let isStored = false;
  let queue = Promise.resolve();

  async function round(store: TokenStorage): Promise<void> {
    const before = holder.state.current;
    // A text that cannot be read says nothing.
    let stored: Grant | null | undefined;
    try {
      stored = JSON.parse((await store.get(key)) ?? 'null');
      // Nor does what another tab has superseded, in a storage that each tab has for itself.
      if (stored && mark.isAhead(stored)) stored = undefined;
    } catch (error) {
      onError(error);
    }
    const { current } = holder.state;
    const act = reconcile(holder.state, stored, isStored ? before : null);
    if (act === 'end')
      return holder.end({ endedAt: before?.epoch as number, reason: 'signed_out' });
    try {
      if (act === 'adopt') holder.adopt(stored as Grant);
      if (act === 'write') await store.set(key, toText(current as Grant));
      if (act === 'remove') await store.remove(key);
      else if (act) isStored = true;
    } catch (error) {
      onError(error);
      // Nobody comes back who has signed out, or in whose place another person has signed in.
      if (act === 'remove') await store.set(key, 'null');
      else if (stored?.epoch !== current?.epoch) await store.remove(key);
    }
  }

  return {
    sync: () => {
      if (storage) queue = queue.then(() => round(storage)).catch(onError);
      return queue;
    },
    forget: () => {
      isStored = false;
    },
  };
}

/** A grant that is too long is stored without the access token, which a refresh gives again. */
function toText(grant: Grant): string {
  const text = JSON.stringify(grant);
  // Longer than the text is in UTF-8.
  const isLong = encodeURI(text).length > MAX_BYTES;
  return isLong
    ? JSON.stringify({ ...grant, access: undefined, claims: undefined, lifeMs: 0 })
    : text;
}
