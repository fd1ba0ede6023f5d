/**
 * The settings on refreshes that look like someone else's: what is done about them, and which data
 * is kept.
 */
import type { SettingReader } from './setting-reader';

/** The reactions of a deployment, or a client, to a refresh that looks like someone else's. */
export const RISK_POLICIES = ['log', 'notify', 'reauthenticate', 'revoke'] as const;
export type RiskPolicy = (typeof RISK_POLICIES)[number];

/**
 * The part of an address that is stored: all of it, its network, or a keyed hash that only tells
 * whether two are the same.
 */
export const ADDRESS_STORAGES = ['full', 'network', 'hash'] as const;
export type AddressStorage = (typeof ADDRESS_STORAGES)[number];

/** How a refresh is judged that may be somebody else's, and what is kept of where it came from. */
export interface RiskConfig {
  /** The policy of clients that have none of their own. */
  policy: RiskPolicy;
  /**
   * How long after a rotation its caller may still come for the lost answer; 0: only within the
   * grace period.
   */
  lostAnswerSeconds: number;
  addressStorage: AddressStorage;
  eventRetentionSeconds: number;
}

const DAY = 86_400;

export function parseRisk({ wholeNumber, oneOf }: SettingReader): RiskConfig {
  return {
    policy: oneOf('RISK_POLICY', RISK_POLICIES),
    lostAnswerSeconds: wholeNumber('LOST_ANSWER_SECONDS', { byDefault: DAY, range: [0, 30 * DAY] }),
    addressStorage: oneOf('ADDRESS_STORAGE', ADDRESS_STORAGES),
    eventRetentionSeconds: wholeNumber('EVENT_RETENTION_SECONDS', {
      byDefault: 90 * DAY,
      range: [0, 3650 * DAY],
    }),
  };
}
