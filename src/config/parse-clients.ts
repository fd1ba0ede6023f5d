/**
 * The list `CLIENTS`, which may go on in `CLIENTS_2` and so on: each entry by itself, and what they
 * say of each other.
 */
import * as v from 'valibot';
import type { Env } from '../env';
import type { Audiences } from './audiences';
import {
  CLIENT_ID,
  type Client,
  type ClientEntry,
  clientSchema,
  type KnownClients,
  toClient,
} from './clients';
import { type ListItem, parseItems, spellIssues } from './json-list';
import type { RiskPolicy } from './risk';
import {
  clientSessionsSchema,
  type SessionPolicy,
  toClientPolicy,
  toUnreadablePolicy,
} from './session-policy';
import { readNumbered } from './setting-reader';

/** The settings of a client that has none of its own. */
interface Defaults {
  riskPolicy: RiskPolicy;
  audiences: Audiences;
  sessions: SessionPolicy;
}

/** `policies`: of the clients with `sessions`, also of those that are refused. */
type ParsedClients = KnownClients & { policies: ReadonlyMap<string, SessionPolicy> };

/** Mistakes of the list itself are added to `mistakes`; those of an entry refuse its client. */
export function parseClients(env: Env, defaults: Defaults, mistakes: string[]): ParsedClients {
  const refused = new Map<string, string[]>();
  const refuse = (id: string, mistake: string) =>
    refused.set(id, [...(refused.get(id) ?? []), mistake]);
  const items = readItems(env, mistakes);
  const { entries, ids } = readEntries(items, refuse);
  const clients = new Map<string, Client>();
  for (const entry of entries) {
    const { client_id } = entry;
    const problem = (text: string) => refuse(client_id, `CLIENTS: ${client_id}: ${text}`);
    clients.set(client_id, toClient(entry, entries, defaults, problem));
  }
  for (const { client_id, browser_clients = [], for_clients = [] } of entries) {
    const problem = (text: string) => refuse(client_id, `CLIENTS: ${client_id}: ${text}`);
    // The origins of an entry with a mistake are unknown. That is no mistake of the entries that
    // name it.
    for (const id of browser_clients)
      if (!refused.has(id) && (clients.get(id)?.origins.length ?? 0) === 0)
        problem('browser_clients must name clients with origins');
    for (const id of for_clients)
      if (!ids.has(id)) problem('for_clients must name clients of this list');
  }
  assertSecretsDiffer(clients, refuse);
  for (const id of refused.keys()) clients.delete(id);
  return { clients, refusedClients: refused, policies: readPolicies(items, defaults.sessions) };
}

/** An item, and where it stands. */
type PlacedItem = ListItem & { place: string };

function readItems(env: Env, mistakes: string[]): readonly PlacedItem[] {
  return readNumbered(env, 'CLIENTS').flatMap(({ name, text }) =>
    parseItems(name, text, mistakes).map((item, index) => ({
      ...item,
      place: `${name}: ${index}`,
    })),
  );
}

/**
 * The policies of the entries that have `sessions`, whatever else is wrong with an entry: a mistake
 * in it must end none of its sessions.
 */
function readPolicies(
  items: readonly ListItem[],
  byDefault: SessionPolicy,
): ReadonlyMap<string, SessionPolicy> {
  const policies = new Map<string, SessionPolicy>();
  for (const { value } of items) {
    const { client_id: id, sessions } = (value ?? {}) as {
      client_id?: unknown;
      sessions?: unknown;
    };
    if (typeof id !== 'string' || sessions === undefined) continue;
    const parsed = v.safeParse(clientSessionsSchema, sessions);
    const isReadable = parsed.success && !policies.has(id);
    policies.set(
      id,
      isReadable ? toClientPolicy(id, parsed.output, byDefault) : toUnreadablePolicy(byDefault),
    );
  }
  return policies;
}

type Refuse = (id: string, mistake: string) => void;

/** The entries of the right shape, and the ids of all. */
function readEntries(
  items: readonly PlacedItem[],
  refuse: Refuse,
): { entries: ClientEntry[]; ids: ReadonlySet<string> } {
  const ids = new Set<string>();
  const entries = items.flatMap(({ value, repeated, place }, index) => {
    const given = (value as { client_id?: unknown } | null)?.client_id;
    const id = typeof given === 'string' && CLIENT_ID.test(given) ? given : ` ${index}`;
    if (ids.has(id)) refuse(id, `CLIENTS: ${id} is there twice`);
    ids.add(id);
    if (repeated !== null) refuse(id, `CLIENTS: an object has ${JSON.stringify(repeated)} twice`);
    const parsed = v.safeParse(clientSchema, value);
    if (parsed.success) return [parsed.output];
    for (const mistake of spellIssues(place, parsed.issues)) refuse(id, mistake);
    return [];
  });
  return { entries, ids };
}

/** With one secret, one client could pass for the other. */
function assertSecretsDiffer(clients: ReadonlyMap<string, Client>, refuse: Refuse): void {
  const owners = new Map<string, string>();
  for (const { id, secretHashes } of clients.values()) {
    for (const hash of new Set(secretHashes)) {
      const owner = owners.get(hash);
      if (owner !== undefined)
        for (const either of [owner, id])
          refuse(either, `CLIENTS: ${owner} and ${id} have one secret; each needs its own`);
      owners.set(hash, id);
    }
  }
}
