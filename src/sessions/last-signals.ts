/**
 * The last signals of a session, in the form in which a request's are compared with them: an
 * earlier configuration, or release, may have stored the same device and network in another form.
 */
import { type StoredAddress, toComparable } from '../risk/address';
import { toComparableDevice } from '../risk/former-device';
import { parseSignals, type Signals } from '../risk/signals';
import type { Session } from './session';

/** null: none are known. */
export async function toLastSignals(
  { lastSignals }: Pick<Session, 'lastSignals'>,
  {
    signals,
    otherNetworks,
    userAgent,
  }: {
    signals: Signals;
    otherNetworks: StoredAddress['otherNetworks'];
    userAgent: string | null;
  },
): Promise<Signals | null> {
  const last = parseSignals(lastSignals);
  if (last === null) return null;
  const { network } = signals;
  return {
    ...toComparableDevice(last, signals, userAgent),
    network: await toComparable(last.network, { network, otherNetworks }),
  };
}
