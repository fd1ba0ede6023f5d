/** What a request tells of the device behind it. */
import Bowser from 'bowser';

/** A name that a person recognises their device by, for example "Chrome on Windows"; null when nothing is known. */
export function describeDevice(userAgent: string | null): string | null {
  if (!userAgent) return null;
  const { browser, os } = Bowser.parse(userAgent);
  if (browser.name && os.name) return `${browser.name} on ${os.name}`;
  return browser.name || os.name || null;
}
