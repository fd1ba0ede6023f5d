/** People, devices and places as Cloudflare tells of them. */
import { deriveKeyring } from '../../src/crypto';
import { toStoredAddress } from '../../src/risk/address';
import { type Signals, toSignals } from '../../src/risk/signals';

export interface RawCaller {
  userAgent?: string | null;
  address?: string | null;
  hints?: string | null;
  cf?: Record<string, unknown> | null;
}

const MOZILLA = 'Mozilla/5.0';
const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';

/** User agents as the products send them. */
export const UA = {
  chrome: (version = 141) =>
    `${MOZILLA} (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/${version}.0.0.0 Safari/537.36`,
  chromeOnMac: `${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36`,
  chromeOnAndroid: (version = 141) =>
    `${MOZILLA} (Linux; Android 10; K) ${WEBKIT} Chrome/${version}.0.0.0 Mobile Safari/537.36`,
  /** What Chrome on Android sends where "desktop site" is on. */
  chromeDesktopSite: `${MOZILLA} (X11; Linux x86_64) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36`,
  headless: `${MOZILLA} (Windows NT 10.0; Win64; x64) ${WEBKIT} HeadlessChrome/141.0.0.0 Safari/537.36`,
  edge: (version = 141) =>
    `${MOZILLA} (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/${version}.0.0.0 Safari/537.36 Edg/${version}.0.0.0`,
  firefox: (version = 144) =>
    `${MOZILLA} (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
  safari: `${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15`,
  iphone: (version = '18.6') =>
    `${MOZILLA} (iPhone; CPU iPhone OS ${version.replace('.', '_')} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Mobile/15E148 Safari/604.1`,
  curl: 'curl/8.5.0',
  python: 'python-requests/2.32.3',
  app: (version = 12) =>
    `Acme/${version}.4.1 (com.acme.app; build:812; iOS 18.6.0) Alamofire/5.9.1`,
  okhttp: 'okhttp/4.12.0',
} as const;

const place = (country: string, city: string, latitude: number, longitude: number) => ({
  country,
  city,
  latitude: String(latitude),
  longitude: String(longitude),
});
const PARIS = place('FR', 'Paris', 48.86, 2.35);
const LYON = place('FR', 'Lyon', 45.76, 4.84);
const MADRID = place('ES', 'Madrid', 40.42, -3.7);
const NEW_YORK = place('US', 'New York', 40.71, -74.01);
const LIMA = place('PE', 'Lima', -12.05, -77.04);
const FRANKFURT = place('DE', 'Frankfurt', 50.11, 8.68);
const HTTP2 = { httpProtocol: 'HTTP/2', tlsVersion: 'TLSv1.3' };

/** Where callers are. Addresses are of the documentation ranges. */
export const AT = {
  home: { address: '192.0.2.10', cf: { asn: 3215, ...PARIS, ...HTTP2 } },
  homeAfterDhcp: { address: '192.0.2.77', cf: { asn: 3215, ...PARIS, ...HTTP2 } },
  homeAfterReconnect: { address: '198.51.100.10', cf: { asn: 3215, ...PARIS, ...HTTP2 } },
  homeIpv6: { address: '2001:db8:10:1::abcd', cf: { asn: 3215, ...PARIS, ...HTTP2 } },
  homeIpv6Later: {
    address: '2001:db8:10:1:1c2e:77ff:fe11:9',
    cf: { asn: 3215, ...PARIS, ...HTTP2 },
  },
  homeIpv6OtherSubnet: { address: '2001:db8:10:ff::1', cf: { asn: 3215, ...PARIS, ...HTTP2 } },
  cellular: { address: '203.0.113.5', cf: { asn: 20810, ...PARIS, ...HTTP2 } },
  /** Carriers say Lyon of a phone in Paris. */
  cellularElsewhere: { address: '203.0.113.9', cf: { asn: 20810, ...LYON, ...HTTP2 } },
  cellularNextCell: { address: '198.18.7.1', cf: { asn: 20810, ...PARIS, ...HTTP2 } },
  office: { address: '198.18.1.1', cf: { asn: 12876, ...PARIS, ...HTTP2 } },
  lyon: { address: '198.18.2.1', cf: { asn: 12322, ...LYON, ...HTTP2 } },
  hotelInMadrid: { address: '198.18.3.1', cf: { asn: 3352, ...MADRID, ...HTTP2 } },
  /** A carrier that is the same company abroad. */
  roamingInMadrid: { address: '198.18.3.9', cf: { asn: 20810, ...MADRID, ...HTTP2 } },
  newYork: { address: '198.18.4.1', cf: { asn: 7018, ...NEW_YORK, ...HTTP2 } },
  /** Apple's relay keeps to the country. */
  relay: { address: '198.18.8.1', cf: { asn: 36183, ...PARIS, ...HTTP2 } },
  relayLater: { address: '198.18.9.1', cf: { asn: 13335, ...PARIS, ...HTTP2 } },
  vpnAtHome: { address: '198.18.20.1', cf: { asn: 9009, ...PARIS, ...HTTP2 } },
  vpnAbroad: { address: '198.18.21.1', cf: { asn: 9009, ...FRANKFURT, ...HTTP2 } },
  vpnFarAway: { address: '198.18.22.1', cf: { asn: 9009, ...NEW_YORK, ...HTTP2 } },
  lima: { address: '198.18.30.1', cf: { asn: 6147, ...LIMA, ...HTTP2 } },
  datacentre: {
    address: '198.18.40.1',
    cf: { asn: 24940, ...FRANKFURT, httpProtocol: 'HTTP/1.1', tlsVersion: 'TLSv1.3' },
  },
  datacentreInCountry: { address: '198.18.41.1', cf: { asn: 16276, ...PARIS, ...HTTP2 } },
  tor: { address: '198.18.50.1', cf: { asn: 60729, country: 'T1', ...HTTP2 } },
  /** The map has moved the network, not the person. */
  homeCorrected: { address: '192.0.2.10', cf: { asn: 3215, ...LIMA, ...HTTP2, country: 'FR' } },
  homeHttp3: {
    address: '192.0.2.10',
    cf: { asn: 3215, ...PARIS, httpProtocol: 'HTTP/3', tlsVersion: 'TLSv1.3' },
  },
  homeHttp1: {
    address: '192.0.2.10',
    cf: { asn: 3215, ...PARIS, httpProtocol: 'HTTP/1.1', tlsVersion: 'TLSv1.2' },
  },
  /** `wrangler dev` and tests. */
  nowhere: { address: '127.0.0.1', cf: null },
  homeWithoutCf: { address: '192.0.2.10', cf: null },
  otherWithoutCf: { address: '198.18.60.1', cf: null },
  /** Another Worker's request. */
  worker: { address: '2a06:98c0:3600::103', cf: { asn: 13335, ...PARIS, ...HTTP2 } },
  homeOfUnknownCountry: { address: '192.0.2.10', cf: { asn: 3215, country: 'XX', ...HTTP2 } },
} satisfies Record<string, RawCaller>;

const keyring = deriveKeyring('the-session-secret-of-the-tests-0123456789', null);

/** The signals that the service reads of such a request. */
export async function signalsOf({
  userAgent = null,
  address = null,
  hints = null,
  cf = null,
}: RawCaller): Promise<Signals> {
  const stored = await toStoredAddress(address, 'full', await keyring);
  return toSignals({ userAgent, hintedPlatform: hints, cf }, stored);
}
