/**
 * Signing out. With tokens this device forgets them first, whatever the service says; with cookies
 * only the service can remove them, so it comes first.
 */
import type { Parts, Refresher } from './refresh';
import { SessionUnavailableError } from './types';

export interface SignOut {
  signOut(): Promise<void>;
  signOutEverywhere(): Promise<void>;
}

export function createSignOut(
  { setup, holder, storage, requests, tabs }: Parts,
  refresher: Refresher,
  authorizedFetch: typeof fetch,
  ready: () => Promise<void>,
): SignOut {
  /** Has the service remove the cookies. No refresh may bring them back meanwhile, in any tab. */
  async function removeCookies(path: string): Promise<void> {
    tabs.tell({ isLeaving: true });
    await refresher.replace(async () => {
      await requests.tell(path);
      holder.end({ endedAt: holder.begin().epoch, reason: 'signed_out' }, true);
    });
  }

  async function signOut(): Promise<void> {
    if (!setup.hasTokens) return removeCookies('browser/sign-out');
    await ready();
    await storage.sync();
    const { current } = holder.state;
    if (!current) return;
    holder.end({ endedAt: current.epoch, reason: 'signed_out' }, true);
    await requests.tell('oauth/revoke', { token: current.refresh as string });
  }

  async function signOutEverywhere(): Promise<void> {
    if (!setup.hasTokens) return removeCookies('browser/sign-out-everywhere');
    // Where that is another token than an API's, an API refuses it later, and has it refreshed.
    await refresher.refresh(setup.account);
    const url = `${setup.base}v1/sessions/revoke-others`;
    if (!(await authorizedFetch(url, { method: 'POST' })).ok) throw new SessionUnavailableError();
    await signOut();
  }

  return { signOut, signOutEverywhere };
}
