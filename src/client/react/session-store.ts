/**
 * The session that a page shows, as one immutable value: the state and the claims of a client come
 * at different moments, and a view that had the one without the other would be of nobody.
 */
import type { SessionClaims, SessionClient, SessionState } from '../browser/types';

/** The session, as far as it is known. */
export interface SessionView {
  /** `unknown` until a request has shown it. */
  state: SessionState;
  /** null: a guest, or nobody, or not known yet. */
  userId: string | null;
  /** For showing; null when there is no session, or the service has not told them yet. */
  claims: SessionClaims | null;
  /** Why the session ended, as the service says (`onSignedOut`). */
  reason: string | null;
}

export interface SessionStore<C extends SessionClient = SessionClient> {
  /** The client: what uses it first opens it. */
  client: C;
  subscribe(listener: () => void): () => void;
  /** The same object until something changes. Opens the client. */
  read(): SessionView;
}

export const UNKNOWN: SessionView = { state: 'unknown', userId: null, claims: null, reason: null };

export const toView = (claims: SessionClaims | null): SessionView => ({
  ...UNKNOWN,
  state: 'active',
  userId: claims && !claims.guest ? (claims.uid ?? claims.sub) : null,
  claims,
});

/** By the client, or the function that opens it: there is one store of each, and so one client. */
const stores = new WeakMap<object, SessionStore>();

/**
 * The store of a client. A function is called once, and not before a component shows the session in
 * a browser or something uses the client: a server, which has nobody's session, opens none.
 */
export function toStore(source: SessionClient | (() => SessionClient)): SessionStore {
  const store = stores.get(source) ?? createStore(source);
  stores.set(source, store);
  return store;
}

function createStore(source: SessionClient | (() => SessionClient)): SessionStore {
  let opened: SessionClient | null = null;
  let view = UNKNOWN;
  let reason: string | null = null;
  let looks = 0;
  const listeners = new Set<() => void>();

  function open(): SessionClient {
    if (opened) return opened;
    const client = typeof source === 'function' ? source() : source;
    opened = client;
    // Listeners are told in their order, so the reason is there when the change is looked at.
    client.onSignedOut((said) => {
      reason = said;
    });
    client.onChange(() => look(client));
    look(client);
    return client;
  }

  function show(next: SessionView): void {
    if (JSON.stringify(next) === JSON.stringify(view)) return;
    view = next;
    for (const listener of listeners) listener();
  }

  function look(client: SessionClient): void {
    const mine = ++looks;
    const { session: state } = client;
    if (state !== 'active') {
      show({ ...UNKNOWN, state, reason });
      return;
    }
    reason = null;
    const showClaims = (claims: SessionClaims | null) => {
      // A later look knows more.
      if (mine === looks) show(toView(claims));
    };
    // Claims that are known come within this task. Those that have to be asked for are not waited
    // for; where that fails, the next refresh brings them.
    const timer = setTimeout(showClaims, 0, null);
    client.getSession().then(
      (claims) => {
        clearTimeout(timer);
        showClaims(claims);
      },
      () => {},
    );
  }

  return {
    client: typeof source === 'function' ? openOnUse(open) : source,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    read: () => {
      open();
      return view;
    },
  };
}

/** Stands for a client that the first use of one of its members opens. */
function openOnUse(open: () => SessionClient): SessionClient {
  return new Proxy({} as SessionClient, {
    get: (_, member) => Reflect.get(open(), member),
  });
}
