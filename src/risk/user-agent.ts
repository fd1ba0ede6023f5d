/**
 * What a User-Agent header (RFC 9110 §10.1.5) tells: the browser or app, its major version, the
 * system.
 */
import Bowser from 'bowser';

export interface Device {
  /** Family: "Chrome", "Firefox", or the first product of an app's own user agent. */
  browser: string | null;
  platform: string | null;
  /** Major version. */
  version: number | null;
}

/** What is longer tells nothing more, and would only cost time. */
export const MAX_USER_AGENT_LENGTH = 1024;

const UNKNOWN: Device = { browser: null, platform: null, version: null };

export function parseUserAgent(userAgent: string | null): Device {
  const text = userAgent?.slice(0, MAX_USER_AGENT_LENGTH).trim();
  if (!text) return UNKNOWN;
  const { browser, os } = Bowser.parse(text);
  const isHeadless = /\bHeadless[A-Z]/.test(text);
  const [, product, productVersion] = /^([\p{L}\p{N}._ -]{1,64}?)\/(\d{1,9})/u.exec(text) ?? [];
  // What Bowser makes of an app is a run of products; the app is the first.
  const isApp = !browser.name || browser.name.includes('/');
  const name = isApp ? (product ?? text.slice(0, 64)) : browser.name;
  const version = Number.parseInt((isApp ? productVersion : browser.version) ?? '', 10);
  return {
    browser: (isHeadless ? `Headless ${name}` : (name ?? null))?.toWellFormed() ?? null,
    platform: os.name || null,
    version: Number.isSafeInteger(version) ? version : null,
  };
}

/**
 * A name that a person recognises their device by, for example "Chrome on Windows"; null when
 * nothing is known.
 */
export function describeDevice({
  browser,
  platform,
}: Pick<Device, 'browser' | 'platform'>): string | null {
  return browser && platform ? `${browser} on ${platform}` : (browser ?? platform);
}
