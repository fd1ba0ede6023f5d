/**
 * Network addresses: which network one belongs to, and what is kept of it. An address is personal
 * data, so the deployment says how much of it is stored, from the first write on. Networks are
 * compared by /24 (IPv4) and /48 (IPv6): within them addresses change by themselves (DHCP, RFC 8981
 * temporary addresses).
 */
import type { AddressStorage } from '../config/risk';
import { eachSecret, hmacSha256, type Keyring } from '../crypto';
import { type IpAddress, parseIpAddress, toNetworkAddress } from './ip-address';

/**
 * The network that every request of a Worker to another Worker comes from. It names nobody behind
 * that.
 */
const WORKER_EGRESS = '2a06:98c0:3600::/48';

/** The address; null when it is none, or does not name who is behind it. */
export function parseAddress(text: string | null): IpAddress | null {
  const address = text === null ? null : parseIpAddress(text);
  return address === null || toNetwork(address) === WORKER_EGRESS ? null : address;
}

/** The network of an address, in CIDR notation: /24 and /48, or as many bits as asked for. */
export function toNetwork(address: IpAddress, bits = { ipv4: 24, ipv6: 48 }): string {
  const prefix = address.version === 4 ? bits.ipv4 : bits.ipv6;
  return `${toNetworkAddress(address, prefix)}/${prefix}`;
}

/** The parts of an address, and of its network, that may be stored. */
export interface StoredAddress {
  address: string | null;
  network: string | null;
  /** `network` in the form in which it was stored under the previous SESSION_SECRET. */
  formerNetwork: string | null;
  /**
   * Every other form in which the network may have been stored under an earlier ADDRESS_STORAGE or
   * SESSION_SECRET: for comparison, never to be stored. Made on demand, because hardly any request
   * differs from the last.
   */
  otherNetworks: () => Promise<readonly string[]>;
}

/** Reduces an address to what may be stored. */
export async function toStoredAddress(
  text: string | null,
  storage: AddressStorage,
  keyring: Keyring,
): Promise<StoredAddress> {
  const address = parseAddress(text);
  if (address === null)
    return { address: null, network: null, formerNetwork: null, otherNetworks: async () => [] };
  const network = toNetwork(address);
  const hash = async (value: string) =>
    Promise.all(
      eachSecret(keyring).map(
        async (keys) => `${KEYED}${(await hmacSha256(keys.address, value)).slice(0, 22)}`,
      ),
    );
  if (storage !== 'hash') {
    const kept = storage === 'full' ? address.toString() : network;
    return { address: kept, network, formerNetwork: null, otherNetworks: () => hash(network) };
  }
  const [[hashedAddress = null], [hashedNetwork = null, formerNetwork = null]] = await Promise.all([
    hash(address.toString()),
    hash(network),
  ]);
  return {
    address: hashedAddress,
    network: hashedNetwork,
    formerNetwork,
    otherNetworks: async () => (formerNetwork === null ? [network] : [formerNetwork, network]),
  };
}

const KEYED = 'hmac:';

/** In place of a network that was stored in a form which the configuration does not allow now. */
const OTHER_NETWORK = 'other';

/**
 * Puts the network of a session's last signals into the form of a request's, to compare and report
 * it. A changed ADDRESS_STORAGE is no change of network, and parts that it kept before must not get
 * into new rows.
 */
export async function toComparable(
  last: string | null,
  { network, otherNetworks }: Pick<StoredAddress, 'network' | 'otherNetworks'>,
): Promise<string | null> {
  if (last === null || network === null || last === network) return last;
  if ((await otherNetworks()).includes(last)) return network;
  return last.startsWith(KEYED) === network.startsWith(KEYED) ? last : OTHER_NETWORK;
}
