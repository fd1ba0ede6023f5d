/** A caller's signals (risk/signals.ts), reduced to what may be stored. */
import { toStoredAddress } from '../risk/address';
import { type Signals, toSignals } from '../risk/signals';
import type { Device } from './caller';
import type { Service } from './service';

export interface CallerSignals {
  signals: Signals;
  /** The network as it was stored under the previous SESSION_SECRET. */
  formerNetwork: string | null;
}

export async function signalsOf(
  device: Device,
  { config, keyring }: Service,
): Promise<CallerSignals> {
  const stored = await toStoredAddress(device.address, config.risk.addressStorage, await keyring());
  return { signals: toSignals(device, stored), formerNetwork: stored.formerNetwork };
}
