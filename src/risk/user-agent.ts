/**
 * Parses a User-Agent header (RFC 9110 §10.1.5): the browser or app, its major version, the system.
 * Neither an update of the app nor one of the system changes the names.
 */
import { findApp, findAppInBrowser, type Product } from './app-name';
import { findBrowser, findSystem } from './bowser';

export interface Device {
  /** Family: "Chrome", "Firefox", or the name of an app. */
  browser: string | null;
  platform: string | null;
  /** Major version. */
  version: number | null;
}

/** A longer text tells nothing more, and would only cost time. */
export const MAX_USER_AGENT_LENGTH = 1024;

const UNKNOWN: Device = Object.freeze({ browser: null, platform: null, version: null });

/**
 * The user agents that the isolate has parsed lately. Most callers of a service send one of a few
 * user agents, and parsing one costs as much as a signature.
 */
const parsed = new Map<string, Device>();
/** More are forgotten, the oldest first: at most half a megabyte, whoever sends what. */
const MAX_PARSED = 256;

export function parseUserAgent(userAgent: string | null): Device {
  const text = userAgent?.slice(0, MAX_USER_AGENT_LENGTH).trim();
  if (!text) return UNKNOWN;
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const device = Object.freeze(parse(text));
  const [oldest] = parsed.keys();
  if (parsed.size >= MAX_PARSED && oldest !== undefined) parsed.delete(oldest);
  parsed.set(text, device);
  return device;
}

function parse(text: string): Device {
  if (!/^(?:Mozilla|Opera)\//.test(text)) {
    const { app, rest } = findApp(text);
    return toDevice(app, findPlatform(rest));
  }
  const browser = findBrowser(text);
  const version = Number.parseInt(browser.version ?? '', 10);
  const named = isNamed(browser.name, text)
    ? { name: browser.name, version: Number.isSafeInteger(version) ? version : null }
    : findAppInBrowser(text);
  const isHeadless = /\bHeadless[A-Z]/.test(text);
  return toDevice(
    isHeadless && named !== null ? { ...named, name: `Headless ${named.name}` } : named,
    findPlatform(text),
  );
}

const toDevice = (product: Product | null, platform: string | null): Device => ({
  browser: product?.name ?? null,
  platform,
  version: product?.version ?? null,
});

/** Whether what Bowser found is the name of a browser, and not just what an app is made of. */
function isNamed(name: string | undefined, text: string): name is string {
  switch (name) {
    case undefined:
    case '':
    case 'Electron':
    case 'Mozilla':
      return false;
    // Bowser says so of anything that mentions Android.
    case 'Android Browser':
      return /\bVersion\/[\d.]{1,16} .*\bSafari\//.test(text);
    default:
      return !name.includes('/');
  }
}

/** A console's own name, whatever it says that it is like. */
const CONSOLE = /\b(?:PlayStation (?:\d|Vita|Portable)|Nintendo (?:Switch|WiiU?|3DS|DS))\b/i;

/** Systems that Bowser does not know, or not by these words. */
const PLATFORMS: readonly [RegExp, string][] = [
  [/\btvOS\b|\bApple TV\b/, 'tvOS'],
  [/\bWatch ?OS\b/i, 'watchOS'],
  [/\biOS\b|\bCPU (?:iPhone )?OS \d/i, 'iOS'],
  [/\bKAIOS\b/i, 'KaiOS'],
  [/\bmacOS\b|(?<!like )\bMac OS\b/, 'macOS'],
  [/\bWindows\b/, 'Windows'],
];

function findPlatform(text: string): string | null {
  const [console] = CONSOLE.exec(text) ?? [];
  if (console !== undefined) return console.replace(/^playstation/i, 'PlayStation');
  const named = findSystem(text || ' ').name;
  return named || (PLATFORMS.find(([pattern]) => pattern.test(text))?.[1] ?? null);
}

/**
 * A name that a person recognises their device by, for example "Chrome on Windows"; null when
 * nothing is known.
 */
export function describeDevice({
  browser,
  platform,
}: Pick<Device, 'browser' | 'platform'>): string | null {
  if (browser === platform) return browser;
  return browser && platform ? `${browser} on ${platform}` : (browser ?? platform);
}
