/**
 * How much a request looks like someone else's than the session's: a pure comparison of its signals
 * with the last ones. Addresses change all day (Wi-Fi and cellular, carriers, relays, IPv6
 * privacy), browsers update themselves, and neither is an alarm. Another browser, another country
 * on another network, or a journey that no one can make, is. Weights only add up, so the score
 * never falls when one more signal differs.
 */

import type { RiskPolicy } from '../config/risk';
import { type Coordinates, distanceKm } from '../distance';
import type { Signals } from './signals';

export type Level = 'none' | 'low' | 'medium' | 'high';

/**
 * `allow` writes nothing; `log` and `notify` go on with an event; `notify` also tells the webhooks;
 * the others refuse.
 */
export type Decision = 'allow' | 'log' | 'notify' | 'reauthenticate' | 'revoke';

export interface Change {
  signal: keyof Signals;
  from: string | number | null;
  to: string | number | null;
}

export interface Assessment {
  /** 0 to 100. */
  score: number;
  level: Level;
  reasons: Reason[];
  changes: Change[];
  decision: Decision;
}

const WEIGHTS = {
  network_changed: 10,
  asn_changed: 15,
  country_changed: 20,
  /** The network's operator and the country both changed, as with no moving phone and no relay. */
  moved_to_foreign_network: 40,
  browser_changed: 70,
  /** "Request desktop site" does this alone, so alone it is not high. */
  platform_changed: 40,
  /** Another platform on another network is another machine. */
  platform_changed_on_other_network: 20,
  /** Browsers only ever update. */
  browser_downgraded: 40,
  /** HTTP or TLS version: proxies do this, so alone it is not worth an event. */
  transport_changed: 9,
  impossible_travel: 70,
} as const;
export type Reason = keyof typeof WEIGHTS;

const LEVELS = { low: 10, medium: 30, high: 70 } as const;

/** Places of addresses are this wrong at times, so nearer ones tell nothing. */
const MIN_TRAVEL_KM = 500;
/** An airliner, with the way to and from it left out. */
const MAX_SPEED_KMH = 1000;

/**
 * Compares the signals of now (ms) with the last ones, which were seen at `seenAt` (ms). Without
 * last ones there is nothing to compare.
 */
export function assess(
  previous: Signals | null,
  current: Signals,
  { policy, seenAt, now }: { policy: RiskPolicy; seenAt: number; now: number },
): Assessment {
  if (previous === null)
    return { score: 0, level: 'none', reasons: [], changes: [], decision: 'allow' };
  const reasons = findReasons(previous, current, now - seenAt);
  const score = Math.min(
    100,
    reasons.reduce((sum, reason) => sum + WEIGHTS[reason], 0),
  );
  const level = toLevel(score);
  const isOtherBrowser = hasChanged(previous, current, 'browser');
  const changes = COMPARED.filter(
    (signal) => hasChanged(previous, current, signal) && !(signal === 'version' && isOtherBrowser),
  ).map((signal) => ({ signal, from: previous[signal], to: current[signal] }));
  return { score, level, reasons, changes, decision: decide(level, policy) };
}

/**
 * The caller looks like the one before: same browser and platform, on the same network or the same
 * carrier's. Unknown signals are not the same.
 */
export function looksLikeSameCaller(previous: Signals | null, current: Signals): boolean {
  if (previous === null) return false;
  const isSame = (signal: keyof Signals) =>
    current[signal] !== null && previous[signal] === current[signal];
  return (
    isSame('browser') &&
    previous.platform === current.platform &&
    (isSame('network') || isSame('asn'))
  );
}

const COMPARED = [
  'network',
  'asn',
  'country',
  'browser',
  'platform',
  'version',
  'hints',
  'transport',
] as const;

function findReasons(previous: Signals, current: Signals, elapsedMs: number): Reason[] {
  const changed = (signal: (typeof COMPARED)[number]) => hasChanged(previous, current, signal);
  const platform = changed('platform') || changed('hints');
  const found: Record<Reason, boolean> = {
    network_changed: changed('network'),
    asn_changed: changed('asn'),
    country_changed: changed('country'),
    moved_to_foreign_network: changed('asn') && changed('country'),
    browser_changed: changed('browser'),
    platform_changed: platform,
    platform_changed_on_other_network: platform && changed('asn'),
    // Versions of different browsers say nothing of each other.
    browser_downgraded: changed('version') && !changed('browser'),
    transport_changed: changed('transport'),
    // A network does not travel: a new place for the same one is a correction of the map.
    impossible_travel: changed('network') && isImpossible(previous, current, elapsedMs),
  };
  return (Object.keys(found) as Reason[]).filter((reason) => found[reason]);
}

function hasChanged(
  previous: Signals,
  current: Signals,
  signal: (typeof COMPARED)[number],
): boolean {
  const [from, to] = [previous[signal], current[signal]];
  if (from === null) return false;
  switch (signal) {
    case 'version':
      return to !== null && Number(to) < Number(from);
    // A browser tells these each time: silence is a change.
    case 'browser':
    case 'platform':
    case 'hints':
      return to !== from;
    case 'network':
    case 'asn':
    case 'country':
    case 'transport':
      return to !== null && to !== from;
  }
}

function isImpossible(previous: Signals, current: Signals, elapsedMs: number): boolean {
  if (!hasCoordinates(previous) || !hasCoordinates(current)) return false;
  const distance = distanceKm(previous, current);
  if (distance < MIN_TRAVEL_KM) return false;
  return distance / (Math.max(elapsedMs, 1) / 3_600_000) > MAX_SPEED_KMH;
}

function hasCoordinates(signals: Signals): signals is Signals & Coordinates {
  return signals.latitude !== null && signals.longitude !== null;
}

function toLevel(score: number): Level {
  if (score >= LEVELS.high) return 'high';
  if (score >= LEVELS.medium) return 'medium';
  return score >= LEVELS.low ? 'low' : 'none';
}

function decide(level: Level, policy: RiskPolicy): Decision {
  switch (level) {
    case 'none':
      return 'allow';
    case 'low':
      return 'log';
    case 'medium':
      return policy === 'log' ? 'log' : 'notify';
    case 'high':
      return policy;
  }
}
