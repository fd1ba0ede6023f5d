/** The home that a verified token names, or what else was signed by this service. */
import type { Home } from '../db/d1';
import type { Caller } from './caller';
import type { Service } from './service';

/**
 * null: the home is not bound any more, with all its sessions. The log says so, because the
 * operator who removed it has to know.
 */
export function homeOf(caller: Caller, service: Service, name: string): Home | null {
  const home = service.findHome(name, caller);
  if (home === null)
    console.error(
      JSON.stringify({ level: 'error', event: 'unknown_home', request_id: caller.requestId }),
    );
  return home;
}

/** A token that was found to be good, with its home; null: it is not good, or has no home. */
export function verifiedAt<T extends { home: string }>(
  caller: Caller,
  service: Service,
  verdict: { ok: true; token: T } | { ok: false },
): { home: Home; token: T } | null {
  if (!verdict.ok) return null;
  const { token } = verdict;
  const home = homeOf(caller, service, token.home);
  return home && { home, token };
}
