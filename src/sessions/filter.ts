/**
 * The filters by which a backend lists a user's sessions. A page reads a bounded number of rows all
 * the same: where few sessions match, a page may be short, or empty, and says where to go on.
 */
import { findDevice } from '../risk/find-device';
import { describeDevice } from '../risk/user-agent';
import { toListedAt } from './open';
import { lastUsedAt, type Session } from './session';

/**
 * All given members have to match. Times are seconds since 1970: from `after` on, until `before`.
 */
export interface SessionFilter {
  clientId?: string | undefined;
  /** A part of the device's description, or of its name, whatever the case. */
  device?: string | undefined;
  createdAfter?: number | undefined;
  createdBefore?: number | undefined;
  lastUsedAfter?: number | undefined;
  lastUsedBefore?: number | undefined;
}

export function matches(filter: SessionFilter, session: Session): boolean {
  const { clientId, device } = filter;
  const { createdAfter, createdBefore, lastUsedAfter, lastUsedBefore } = filter;
  const names = [session.label, describeDevice(findDevice(session))].map(
    (name) => name?.toLowerCase() ?? '',
  );
  return (
    (clientId === undefined || session.clientId === clientId) &&
    (device === undefined || names.some((name) => name.includes(device.toLowerCase()))) &&
    isWithin(toListedAt(session), createdAfter, createdBefore) &&
    isWithin(lastUsedAt(session), lastUsedAfter, lastUsedBefore)
  );
}

/**
 * A creation time that was written by hand may be no time. It is within no bounds, so no filter
 * finds it.
 */
function isWithin(time: Date, from: number | undefined, until: number | undefined): boolean {
  const seconds = time.getTime() / 1000;
  return (from === undefined || seconds >= from) && (until === undefined || seconds < until);
}
