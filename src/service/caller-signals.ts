/** A caller's signals (risk/signals.ts), reduced to what may be stored. */

import { isPublic } from '../config/clients';
import { type StoredAddress, toStoredAddress } from '../risk/address';
import { type Signals, toSignals } from '../risk/signals';
import { NOBODY, type Visitor } from '../sessions/presented';
import type { ClientCaller, Device } from './caller';
import { refreshPolicyOf } from './present';
import { invalid, type Refused } from './refusal';
import type { Service } from './service';

export interface CallerSignals {
  signals: Signals;
  /** The network as it was stored under the previous SESSION_SECRET. */
  formerNetwork: string | null;
  /** The same network as earlier configurations stored it (risk/address.ts). */
  otherNetworks: StoredAddress['otherNetworks'];
  /** The user agent as it was sent, because the release before parsed it in another way. */
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

/** The visitor whose own device sent the request, or whose server describes it. */
export async function visitorOf(device: Device, service: Service): Promise<Visitor> {
  return { ...(await signalsOf(device, service)), unknown: device.unknown ?? [] };
}

/**
 * The visitor who presents a client's token. A backend's own request says nothing of its user,
 * unless it describes the user's device.
 */
export async function presenterOf(
  { client, device }: Pick<ClientCaller, 'client' | 'device'>,
  service: Service,
): Promise<Visitor> {
  return isPersonsOwn({ client, device }) ? visitorOf(device, service) : NOBODY;
}

/** Whether the device of a request is the person's, not a backend's. */
export function isPersonsOwn({ client, device }: Pick<ClientCaller, 'client' | 'device'>): boolean {
  return isPublic(client) || device.unknown !== undefined;
}

/**
 * A server's description of its person's device. A member that is undefined is unknown to the
 * server; null: the person's request did not have it.
 */
export interface Description {
  user_agent?: string | null | undefined;
  ip_address?: string | null | undefined;
  place?: Record<string, unknown> | null | undefined;
}

/** The device that a server describes. */
export function deviceOf({ user_agent, ip_address, place }: Description): Device {
  return {
    userAgent: user_agent ?? null,
    hintedPlatform: null,
    address: ip_address ?? null,
    cf: place ?? null,
    unknown: [
      'hints',
      ...(place === undefined ? PLACE : []),
      ...(user_agent === undefined ? BROWSER : []),
      ...(ip_address === undefined ? ADDRESS : []),
    ],
  };
}

const PLACE = ['transport', 'asn', 'country', 'region', 'city', 'latitude', 'longitude'] as const;
const BROWSER = ['browser', 'platform', 'version'] as const;
const ADDRESS = ['address', 'network'] as const;

/**
 * Refuses a description without user agent or address, where the client's risk policy refuses a
 * caller whose signals differ.
 */
export function whyNotDescribed(
  description: Description,
  clientId: string | null,
  service: Service,
): Refused | null {
  const { risk } = refreshPolicyOf(service, clientId);
  const isRefused = risk === 'reauthenticate' || risk === 'revoke';
  const isDescribed = description.user_agent !== undefined && description.ip_address !== undefined;
  if (!isRefused || isDescribed) return null;
  const detail = `user_agent and ip_address of the visitor are needed where the risk policy is ${risk}`;
  return invalid(detail);
}
