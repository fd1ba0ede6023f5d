/**
 * The accounts of a browser: who is signed in, switching, and signing out one. It stands beside the
 * client, whose size an app with one account does not pay for. Switching goes through the client's
 * own refresh, so that other tabs hear of it as they hear of any.
 */
import { host } from './host';
import { toDirectory } from './resources';
import { type SessionClient, SessionUnavailableError } from './types';

/** Somebody who is signed in in this browser. */
export interface Account {
  /** Names the account in this browser, 0 to 4. */
  index: number;
  /** Whether it is the one that the app's requests are of. */
  isCurrent: boolean;
  /** Its session, as `sid` in access tokens. */
  sessionId: string;
  /** null: a guest. */
  userId: string | null;
  /** null: none is known. */
  displayName: string | null;
  /** The app's entry in `CLIENTS`. */
  clientId: string;
}

/** Each rejects with `SessionUnavailableError` when the service could not be asked, or told. */
export interface Accounts {
  /** The app's accounts in this browser whose sessions are live. Refreshes none. */
  list(): Promise<Account[]>;
  /**
   * Makes an account the current one, in all tabs: `onChange` of their clients tells them. Resolves
   * to false, with everything as it was, where its session is over: list them again.
   */
  switchTo(index: number): Promise<boolean>;
  /** Signs out one account, and no other. Where it is the current one, none is current then. */
  signOut(index: number): Promise<void>;
  /** Signs out all of the app's accounts in this browser. */
  signOutAll(): Promise<void>;
}

/** How the service is reached. */
export interface AccountsOptions {
  /** As of the client. */
  baseUrl: string;
  /** As of the client. */
  fetch?: typeof fetch;
}

/** Tabs that refresh at the same time may each bring the account of before. */
const MAX_REFRESHES = 5;

interface Listed {
  index: number;
  current: boolean;
  id: string;
  user_id: string | null;
  display_name: string | null;
  client_id: string;
}

/** For a client of mode `cookie` or `memory`: an app that holds tokens has accounts by itself. */
export function createAccounts(
  session: Pick<SessionClient, 'refresh' | 'getSession' | 'signOut'>,
  { baseUrl, fetch: send = (...request) => fetch(...request) }: AccountsOptions,
): Accounts {
  const base = toDirectory(baseUrl, host.location?.href);

  async function ask(path: string, body?: object): Promise<Response> {
    const init = {
      ...(body && {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json' },
      }),
      credentials: 'include',
      redirect: 'manual',
    } as RequestInit;
    const response = await send(`${base}browser/${path}`, init).catch(() => null);
    if (response?.ok || response?.status === 401) return response;
    const problem = await response?.json().catch(() => null);
    throw new SessionUnavailableError((problem as { code?: string } | null)?.code);
  }

  async function list(): Promise<Account[]> {
    const { sessions } = (await (await ask('sessions')).json()) as { sessions: Listed[] };
    return sessions.map((each) => ({
      index: each.index,
      isCurrent: each.current,
      sessionId: each.id,
      userId: each.user_id,
      displayName: each.display_name,
      clientId: each.client_id,
    }));
  }

  return {
    list,
    switchTo: async (index) => {
      const response = await ask('switch', { index });
      if (!response.ok) return false;
      const { session: own } = (await response.json()) as { session: { id: string } };
      for (let tries = 0; tries < MAX_REFRESHES; tries += 1) {
        await session.refresh();
        if ((await session.getSession())?.sid === own.id) return true;
      }
      throw new SessionUnavailableError();
    },
    signOut: async (index) => {
      const isCurrent = (await list()).some((each) => each.isCurrent && each.index === index);
      // The client tells the other tabs.
      if (isCurrent) await session.signOut();
      else await ask('sign-out', { index });
    },
    signOutAll: async () => {
      await session.signOut();
      await ask('sign-out', { index: 'all' });
    },
  };
}
