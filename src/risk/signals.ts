/**
 * Signals: what one request tells of its device, and of the device's place. Each of them may be
 * missing. The address and the place come from Cloudflare's own header and `request.cf`, never from
 * a header that a caller can write.
 */

import { type SQL, sql } from 'drizzle-orm';
import { userSessions } from '../db/schema';
import type { StoredAddress } from './address';
import { type Device, parseUserAgent } from './user-agent';

/** As stored with a session (`last_signals`), so names here are part of the schema. */
export interface Signals extends Device {
  /** The address, its network or a keyed hash: as ADDRESS_STORAGE says. */
  address: string | null;
  network: string | null;
  /** The autonomous system: whose network it is. */
  asn: number | null;
  /** ISO 3166-1 alpha-2, or T1 for Tor. */
  country: string | null;
  region: string | null;
  city: string | null;
  /** Degrees, to a tenth (11 km), which is finer than such a place is known. */
  latitude: number | null;
  longitude: number | null;
  /** The platform that Client Hints name; null when none were sent. */
  hints: string | null;
  /** HTTP and TLS version: "HTTP/2 TLSv1.3". */
  transport: string | null;
}

/** A request's signals before they are reduced to what may be stored. */
export interface RawSignals {
  userAgent: string | null;
  /** Sec-CH-UA-Platform, as sent. */
  hintedPlatform: string | null;
  cf: Record<string, unknown> | null;
}

export const NO_SIGNALS: Signals = {
  browser: null,
  platform: null,
  version: null,
  address: null,
  network: null,
  asn: null,
  country: null,
  region: null,
  city: null,
  latitude: null,
  longitude: null,
  hints: null,
  transport: null,
};

export function toSignals(
  { userAgent, hintedPlatform, cf }: RawSignals,
  stored: StoredAddress,
): Signals {
  const { asn, country, region, city, latitude, longitude, httpProtocol, tlsVersion } = cf ?? {};
  return {
    ...parseUserAgent(userAgent),
    address: stored.address,
    network: stored.network,
    asn: toNumber(asn),
    // XX is Cloudflare's "unknown".
    country: country === 'XX' ? null : toText(country),
    region: toText(region),
    city: toText(city),
    latitude: toDegrees(latitude, 90),
    longitude: toDegrees(longitude, 180),
    hints: toText(hintedPlatform?.replaceAll('"', '').trim()),
    transport: toText(
      [toText(httpProtocol), toText(tlsVersion)].filter((part) => part !== null).join(' '),
    ),
  };
}

/** The signals of a row; null when it has none, or none that can be read. */
export function parseSignals(json: string | null): Signals | null {
  if (json === null) return null;
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...NO_SIGNALS, ...value } : null;
  } catch {
    return null;
  }
}

/** The signals, with those of a row where they are not known. */
export function asItWas(
  lastSignals: string | null,
  signals: Signals,
  unknown: readonly (keyof Signals)[],
): Signals {
  if (unknown.length === 0) return signals;
  const last = parseSignals(lastSignals) ?? NO_SIGNALS;
  return { ...signals, ...Object.fromEntries(unknown.map((name) => [name, last[name]])) };
}

/**
 * The signals that are known after a request: those that it does not tell stay as they were, so
 * that a caller who leaves one out takes nothing from what the next caller is compared with.
 * Signals that belong together are replaced together: a city says nothing in another country.
 */
export function keepKnown(last: Signals | null, current: Signals): Signals {
  if (last === null) return current;
  const isSilent = current.browser === null && current.platform === null;
  const isOtherDevice =
    !isSilent && (current.browser !== last.browser || current.platform !== last.platform);
  const isElsewhere =
    current.country !== null && last.country !== null && current.country !== last.country;
  const isOtherNetwork = current.network !== null && current.network !== last.network;
  const kept = {
    ...last,
    ...(isOtherDevice && { browser: null, platform: null, version: null, hints: null }),
    ...(isElsewhere && { region: null, city: null, latitude: null, longitude: null }),
    ...(isOtherNetwork && { address: null }),
  };
  return { ...kept, ...knownOf(current) };
}

/** SQL twin of `keepKnown`, where nothing differs that `isUnremarkable` compares. */
export function keepKnownSql(patch: unknown): SQL {
  return sql`json_patch(iif(json_valid(${userSessions.lastSignals}), ${userSessions.lastSignals}, '{}'), ${patch})`;
}

/**
 * SQL: the other way round: what is known stays, and these signals tell what is not known yet.
 */
export function fillUnknownSql(patch: unknown): SQL {
  const known = sql`select json_group_object(key, value) from json_each(iif(json_valid(${userSessions.lastSignals}), ${userSessions.lastSignals}, '{}')) where value is not null`;
  return sql`json_patch(${patch}, (${known}))`;
}

/**
 * The signals of a request as a JSON Merge Patch (RFC 7396). Null would delete, so only known ones
 * are in it.
 */
export function toPatch(signals: Signals): string {
  return JSON.stringify(knownOf(signals));
}

function knownOf(signals: Signals): Partial<Signals> {
  return Object.fromEntries(Object.entries(signals).filter(([, value]) => value !== null));
}

/** SQL: one of a session's last signals; NULL when it has none, or none that can be read. */
export function lastSignal(name: keyof Signals): SQL {
  return sql`iif(json_valid(${userSessions.lastSignals}), ${userSessions.lastSignals}, null) ->> ${sql.raw(`'$.${name}'`)}`;
}

/** The signals that `isUnremarkable` compares. */
type Compared = Record<
  'network' | 'formerNetwork' | 'asn' | 'country' | 'browser' | 'platform' | 'hints' | 'version',
  unknown
>;

const DEVICE = ['browser', 'platform', 'hints'] as const;

export function toCompared(
  signals: Signals,
  { formerNetwork }: Pick<StoredAddress, 'formerNetwork'>,
) {
  const { network, asn, country, browser, platform, hints, version } = signals;
  const former = formerNetwork ?? network;
  return { network, formerNetwork: former, asn, country, browser, platform, hints, version };
}

/**
 * SQL: nothing that `assess` would report differs between the session's last signals and these:
 * values, or what stands for them. It may say no where `assess` finds nothing, never the other way
 * round; a test holds them to that.
 */
export function isUnremarkable(
  current: Compared,
  { isDeviceKnown }: { isDeviceKnown: boolean } = { isDeviceKnown: true },
): SQL {
  const { network, formerNetwork, version } = current;
  /** A signal that is unknown, before or now, does not differ. */
  const isSameOrUnknown = (name: 'asn' | 'country') =>
    sql`ifnull(coalesce(${lastSignal(name)}, ${current[name]}) = ${current[name]}, 1)`;
  /** A signal that was told once and is not told any more differs. */
  const isSameOrNew = (name: (typeof DEVICE)[number]) =>
    sql`(${lastSignal(name)} is null or ${lastSignal(name)} is ${current[name]})`;
  const conditions = [
    sql`ifnull(coalesce(${lastSignal('network')}, ${network}) in (${network}, ${formerNetwork}), 1)`,
    isSameOrUnknown('asn'),
    isSameOrUnknown('country'),
    // A server that refreshes for its person may not know them, and then they are as they were.
    ...(isDeviceKnown ? DEVICE.map(isSameOrNew) : []),
    sql`ifnull(coalesce(${lastSignal('version')}, 0) <= ${version}, 1)`,
  ];
  return sql`(${sql.join(conditions, sql` and `)})`;
}

function toText(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  return value.slice(0, 128).toWellFormed() || null;
}

function toNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

function toDegrees(value: unknown, most: number): number | null {
  const degrees = toNumber(value);
  return degrees === null || Math.abs(degrees) > most ? null : Math.round(degrees * 10) / 10;
}

/** Where a request came from, as people and backends are told; null: nobody knows. */
export function toLocation({
  country,
  region,
  city,
}: Pick<Signals, 'country' | 'region' | 'city'>) {
  return country === null && city === null ? null : { country, region, city };
}
