/**
 * IP addresses, each in one spelling: of IPv6 that of RFC 5952, and an IPv4-mapped one (RFC 4291
 * §2.5.5.2) as what it maps. The platform's own URL parser reads and writes IPv6.
 */

/** `parts`: four of 8 bits, or eight of 16. `toString` gives the spelling. */
export interface IpAddress {
  version: 4 | 6;
  parts: readonly number[];
  toString(): string;
}

/** null: it is none. A zone (RFC 4007 §11) is no part of an address. */
export function parseIpAddress(text: string): IpAddress | null {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text);
}

/** Four decimal numbers: what is short, octal or hexadecimal is none (RFC 6943 §3.1.1). */
function parseIPv4(text: string): IpAddress | null {
  if (!/^(?:(?:0|[1-9]\d{0,2})(?:\.(?!$)|$)){4}$/.test(text)) return null;
  const parts = text.split('.').map(Number);
  return parts.every((part) => part <= 255) ? toIPv4(parts) : null;
}

function parseIPv6(text: string): IpAddress | null {
  const url = /^[\da-f:.]+$/i.test(text) ? URL.parse(`http://[${text}]`) : null;
  if (url === null) return null;
  const [head = [], tail] = url.hostname
    .slice(1, -1)
    .split('::')
    .map((side) => (side === '' ? [] : side.split(':').map((part) => Number.parseInt(part, 16))));
  const parts =
    tail === undefined
      ? head
      : [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  const [high = 0, low = 0] = parts.slice(6);
  return parts.slice(0, 5).every((part) => part === 0) && parts[5] === 0xffff
    ? toIPv4([high >> 8, high & 255, low >> 8, low & 255])
    : { version: 6, parts, toString: () => spellIPv6(parts) };
}

const toIPv4 = (parts: readonly number[]): IpAddress => ({
  version: 4,
  parts,
  toString: () => parts.join('.'),
});

const spellIPv6 = (parts: readonly number[]): string =>
  new URL(`http://[${parts.map((part) => part.toString(16)).join(':')}]`).hostname.slice(1, -1);

/** The address of its network, whose first `bits` bits are the same. */
export function toNetworkAddress({ version, parts }: IpAddress, bits: number): IpAddress {
  const width = version === 4 ? 8 : 16;
  const masked = parts.map((part, at) => {
    const free = width - Math.min(Math.max(bits - at * width, 0), width);
    return (part >> free) << free;
  });
  return version === 4
    ? toIPv4(masked)
    : { version, parts: masked, toString: () => spellIPv6(masked) };
}
