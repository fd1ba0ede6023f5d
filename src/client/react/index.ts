'use client';
/**
 * The session in React 18 and later: a provider and a hook over the client for apps. Nothing here
 * has an effect of its own, so rendering twice, as StrictMode does, asks and ends nothing twice.
 */
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import type { SessionClaims, SessionClient, SessionState } from '../browser/types';
import { type SessionStore, type SessionView, toStore, UNKNOWN } from './session-store';

export type { SessionView };

/** The props of `SessionProvider`. */
export interface SessionProviderProps {
  /**
   * The client, or the function that opens it, declared outside of components. The function is
   * called once a page, and never while a server renders: use it wherever one does.
   */
  client: SessionClient | (() => SessionClient);
  /**
   * The session as the server knew it when it rendered the page, from `getSession(request)` of
   * `edge-sessions/verify`. It is shown until the client knows the session, so that a page that was
   * rendered for somebody does not forget them for a moment. All of it is in the page's HTML.
   */
  initial?:
    | { state: SessionState; userId: string | null; claims: SessionClaims | null }
    | undefined;
  /** The components that may use the session. */
  children?: ReactNode;
}

interface Provided {
  store: SessionStore;
  initial: SessionView;
}

const Context = createContext<Provided | null>(null);

/**
 * Gives the session to all components below it. It closes nothing when it goes: the client is the
 * page's, and other tabs may rely on it.
 */
export function SessionProvider({ client, initial, children }: SessionProviderProps): ReactElement {
  // Only the first props count, as of any `initial`.
  const [provided] = useState<Provided>(() => ({
    store: toStore(client),
    initial: { ...UNKNOWN, ...initial },
  }));
  return createElement(Context.Provider, { value: provided }, children);
}

/**
 * The session of the page, and its client. The component renders again when the session changes, in
 * this tab or another. On a server it is what the provider's `initial` says; there, use no member
 * of `client`. Throws where there is no provider above.
 */
export function useSession<C extends SessionClient = SessionClient>(): SessionView & {
  client: C;
} {
  const provided = useContext(Context);
  if (!provided) throw new Error('useSession needs a SessionProvider above it');
  const { store, initial } = provided;
  const found = useSyncExternalStore(store.subscribe, store.read, () => UNKNOWN);
  const view = found.state === 'unknown' ? initial : found;
  return useMemo(() => ({ ...view, client: store.client as C }), [view, store]);
}
