/**
 * What the request itself tells (risk/signals.ts). The address is Cloudflare's own header alone:
 * X-Forwarded-For and its like are whatever a caller writes. What another Worker sends has no
 * trustworthy address.
 */

import { toStoredAddress } from '../risk/address';
import type { Signals } from '../risk/signals';
import { toSignals } from '../risk/signals';
import type { AppContext } from './context';
import type { Service } from './service';

/** The caller's address; null when it cannot be known. */
export function readAddress(c: AppContext): string | null {
  if (c.req.header('cf-worker') !== undefined) return null;
  return c.req.header('cf-connecting-ip') ?? null;
}

/** The caller's signals, reduced to what may be stored. */
export async function readSignals(
  c: AppContext,
  { config, keyring }: Service,
): Promise<{ signals: Signals; formerNetwork: string | null }> {
  const stored = await toStoredAddress(readAddress(c), config.risk.addressStorage, await keyring());
  const raw = {
    userAgent: c.req.header('user-agent') ?? null,
    hintedPlatform: c.req.header('sec-ch-ua-platform') ?? null,
    cf: ((c.req.raw as { cf?: unknown }).cf as Record<string, unknown> | undefined) ?? null,
  };
  return { signals: toSignals(raw, stored), formerNetwork: stored.formerNetwork };
}
