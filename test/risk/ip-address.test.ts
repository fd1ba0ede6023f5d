/** Addresses as ipaddr.js, which has been used for years, reads and writes them. */
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { parseIpAddress, toNetworkAddress } from '../../src/risk/ip-address';

const ipv4 = fc.ipV4();
// The deprecated ::192.0.2.1 (RFC 4291 §2.5.5.1) is not what ipaddr.js takes it for.
const ipv6 = fc.ipV6().filter((text) => !text.includes('.'));
const read = (text: string) => parseIpAddress(text)?.toString();

describe('an address in one spelling', () => {
  it('of any IPv4 or IPv6 address', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          ipv4,
          ipv6,
          ipv4.map((text) => `::ffff:${text}`),
        ),
        (text) => {
          expect(read(text)).toBe(ipaddr.process(text).toString());
          expect(read(text.toUpperCase())).toBe(read(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('with as many bits as are asked for', () => {
    fc.assert(
      fc.property(ipv4, fc.nat(32), (text, bits) => {
        const address = parseIpAddress(text) as NonNullable<ReturnType<typeof parseIpAddress>>;
        const expected = ipaddr.IPv4.networkAddressFromCIDR(`${text}/${bits}`).toString();
        expect(toNetworkAddress(address, bits).toString()).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(ipv6, fc.nat(128), (text, bits) => {
        const address = parseIpAddress(text) as NonNullable<ReturnType<typeof parseIpAddress>>;
        if (address.version === 4) return;
        const expected = ipaddr.IPv6.networkAddressFromCIDR(`${text}/${bits}`).toString();
        expect(toNetworkAddress(address, bits).toString()).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('and of nothing else', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\da-f:.]{1,45}$/), (text) => {
        const known = text.includes(':')
          ? ipaddr.IPv6.isValid(text)
          : ipaddr.IPv4.isValidFourPartDecimal(text);
        expect(parseIpAddress(text) !== null).toBe(known);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.',
    '1.2.3.256',
    '010.1.1.1',
    '0x7f.0.0.1',
    '1.2.3.4:80',
    '[::1]',
    '::1]',
    '::1%eth0',
    '::1]@x',
    '1::2::3',
    ':::',
    '::ffff:1.2.3.256',
    '1:2:3:4:5:6:7',
    '12345::',
    'x',
  ])('%o is none', (text) => {
    expect(parseIpAddress(text)).toBeNull();
  });
});
