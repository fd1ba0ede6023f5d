/** A caller's signals (risk/signals.ts), reduced to what may be stored. */
import { type StoredAddress, toStoredAddress } from '../risk/address';
import { type Signals, toSignals } from '../risk/signals';
import type { Visitor } from '../sessions/presented';
import type { Device } from './caller';
import type { Service } from './service';

export interface CallerSignals {
  signals: Signals;
  /** The network as it was stored under the previous SESSION_SECRET. */
  formerNetwork: string | null;
  /** Other forms of it, as earlier configurations stored it. */
  otherNetworks: StoredAddress['otherNetworks'];
  /** As sent: the release before read it in another way. */
  userAgent: string | null;
}

export async function signalsOf(
  device: Device,
  { config, keyring }: Service,
): Promise<CallerSignals> {
  const stored = await toStoredAddress(device.address, config.risk.addressStorage, await keyring());
  const { formerNetwork, otherNetworks } = stored;
  const { userAgent } = device;
  return { signals: toSignals(device, stored), formerNetwork, otherNetworks, userAgent };
}

/** The visitor whose own device sent the request. */
export async function visitorOf(device: Device, service: Service): Promise<Visitor> {
  return { ...(await signalsOf(device, service)), unknown: [] };
}

/** The visitor whom a server describes that forwards their cookie. */
export async function describedVisitor(
  {
    userAgent,
    address,
  }: { userAgent: string | null | undefined; address: string | null | undefined },
  service: Service,
): Promise<Visitor> {
  const device = {
    userAgent: userAgent ?? null,
    hintedPlatform: null,
    address: address ?? null,
    cf: null,
  };
  return {
    ...(await signalsOf(device, service)),
    unknown: [
      ...(['hints', 'transport', 'asn', 'country', 'region', 'city'] as const),
      ...(['latitude', 'longitude'] as const),
      ...(userAgent === undefined ? (['browser', 'platform', 'version'] as const) : []),
      ...(address === undefined ? (['address', 'network'] as const) : []),
    ],
  };
}
