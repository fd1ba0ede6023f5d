import { vi } from 'vitest';

/** Waits until a check passes. The bound of `vi.waitFor` itself, a second, a busy machine misses. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 30_000, interval: 10 });
}
