/**
 * The authority of clients over sessions. A client acts for the clients that its `for_clients`
 * names, by the capabilities that its `allow` lists. An operation that reaches further needs a
 * capability of its own.
 *
 * An operation that a capability guards asks for a `Grant` of it, which only `grantOf` makes: so no
 * caller reaches the operation unchecked, and its SQL can filter by the clients of the grant.
 */
import type { Capability, Client } from './clients';

/** The capabilities that start sessions. */
export type StartCapability = 'create_sessions' | 'impersonate' | 'import_sessions';

/** The proof that a client may use a capability, and for which clients. */
export class Grant<C extends Capability = Capability> {
  readonly capability: C;
  /** The client that acts. */
  readonly clientId: string;
  /** The clients that it acts for; null: all, also those that are no longer in CLIENTS. */
  readonly forClients: ReadonlySet<string> | null;

  /** Private, so that `grantOf` is the only maker. */
  private constructor(capability: C, clientId: string, forClients: ReadonlySet<string> | null) {
    this.capability = capability;
    this.clientId = clientId;
    this.forClients = forClients;
  }

  static of<C extends Capability>(client: Client, capability: C): Grant<C> | null {
    const reach = reachOf(client, capability);
    return reach === undefined ? null : new Grant(capability, client.id, reach);
  }

  /** Whether the grant reaches the sessions of a client; null is a session without one. */
  includes(clientId: string | null): boolean {
    return this.forClients === null || (clientId !== null && this.forClients.has(clientId));
  }
}

/** The grant of a capability; null when the client does not have it. */
export function grantOf<C extends Capability>(client: Client, capability: C): Grant<C> | null {
  return Grant.of(client, capability);
}

/** Whether a client may do this to sessions of another, or of its own. */
export function may(client: Client, capability: Capability, clientId: string | null): boolean {
  return grantOf(client, capability)?.includes(clientId) ?? false;
}

/** The clients that a capability reaches; null: all; undefined: the client does not have it. */
function reachOf(client: Client, capability: Capability): ReadonlySet<string> | null | undefined {
  const { allow, forClients, browserClients, id } = client;
  switch (capability) {
    // The sessions that a client refreshes, or starts by an ID token, are its own alone.
    case 'refresh':
    case 'sign_in':
      return allow.has(capability) ? new Set([id]) : undefined;
    case 'create_sessions':
    case 'impersonate':
    case 'import_sessions':
    case 'introspect':
    case 'exchange':
      return allow.has(capability) ? forClients : undefined;
    case 'browser_tokens':
    case 'verify_cookies':
      return allow.has(capability) ? browserClients : undefined;
    // `manage_all` is `manage_users` for every client.
    case 'manage_users':
      if (allow.has('manage_all')) return null;
      return allow.has('manage_users') ? forClients : undefined;
    // A person, and a home, is of all clients at once.
    case 'manage_all':
    case 'erase_users':
    case 'operate':
      return allow.has(capability) ? null : undefined;
  }
}
