/**
 * How the release before read a User-Agent header. The last signals of a session may have been
 * stored by it, and an upgrade of the service is no change of its callers.
 */
import { findBrowser, findSystem } from './bowser';
import type { Signals } from './signals';
import { type Device, MAX_USER_AGENT_LENGTH, parseUserAgent } from './user-agent';

/**
 * The last signals as they are compared with a request's: where the release before would have
 * named this device as they do, or named it by its whole user agent, they are this device's.
 */
export function toComparableDevice(
  last: Signals,
  current: Signals,
  userAgent: string | null,
): Signals {
  const { browser, platform } = current;
  if (last.browser === null || (last.browser === browser && last.platform === platform))
    return last;
  // A version may have been another product's.
  const former = readFormerly(userAgent);
  if (former.browser === last.browser && former.platform === last.platform)
    return { ...last, browser, platform, version: null };
  // All that it sent, which an update has changed since.
  if (last.browser !== browser && parseUserAgent(last.browser).browser === browser)
    return { ...last, browser, version: null };
  return last;
}

function readFormerly(userAgent: string | null): Pick<Device, 'browser' | 'platform'> {
  const text = userAgent?.slice(0, MAX_USER_AGENT_LENGTH).trim();
  if (!text) return { browser: null, platform: null };
  const browser = findBrowser(text);
  const os = findSystem(text);
  const [, product] = /^([\p{L}\p{N}._ -]{1,64}?)\/\d/u.exec(text) ?? [];
  const isApp = !browser.name || browser.name.includes('/');
  const name = isApp ? (product ?? text.slice(0, 64)) : browser.name;
  const isHeadless = /\bHeadless[A-Z]/.test(text);
  return {
    browser: (isHeadless ? `Headless ${name}` : (name ?? null))?.toWellFormed() ?? null,
    platform: os.name || null,
  };
}
