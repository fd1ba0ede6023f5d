/** Which device a session is shown as: that of its last use, else that of its creation. */
import { parseSignals } from './signals';
import { type Device, parseUserAgent } from './user-agent';

/**
 * The device that a session was used on last, as far as known; else the one that it says it was
 * started on.
 */
export function findDevice({
  lastSignals,
  userAgent,
}: {
  lastSignals: string | null;
  userAgent: string | null;
}): Device {
  const last = parseSignals(lastSignals);
  return last?.browser || last?.platform ? last : parseUserAgent(userAgent);
}
