/**
 * The homes of the configuration, opened for a request: an isolate keeps how each has answered.
 * `access` is the request's, that is its caller: what it costs, and how new its replicas have to
 * be.
 */
import type { Config } from '../config/config';
import type { HomeConfig } from '../config/homes';
import { type Breaker, createBreaker } from '../db/breaker';
import {
  DEFAULT_HOME,
  type Home,
  type HomeBinding,
  openHome,
  openReplica,
  type Replica,
  type ReplicaUse,
} from '../db/d1';
import type { D1Access } from '../db/d1-access';
import { ConfigError } from '../faults';

export interface Homes {
  /** A home by the name that a token carries; null when there is none of this name. */
  findHome: (name: string, access: D1Access) => Home | null;
  /**
   * A home that the configuration names, or that a user is known to live in. Throws `ConfigError`
   * when it is not bound.
   */
  boundHome: (name: string, access: D1Access) => Home;
  /** All of them, the default one first. */
  homes: (access: D1Access) => Home[];
  defaultHome: (access: D1Access) => Home;
  /** A home's replica, for reads that may lag. */
  replicaOf: (home: Home) => Replica;
}

/** A home as the isolate keeps it: how to reach it, and how that went. */
interface Source {
  at: HomeBinding;
  primary: Breaker;
  replica: Breaker;
  use: ReplicaUse;
}

export function createHomes(
  { homes, d1TimeoutMs }: Pick<Config, 'homes' | 'd1TimeoutMs'>,
  now: () => number,
): Homes {
  const toSource = ({ name, binding }: HomeConfig): Source => ({
    at: { name, binding, timeoutMs: d1TimeoutMs },
    primary: createBreaker(now),
    replica: createBreaker(now),
    use: { isUsed: null },
  });
  const sources = new Map([...homes.values()].map((home) => [home.name, toSource(home)]));
  const open = ({ at, primary }: Source, access: D1Access) => openHome(at, access, primary);
  const findHome = (name: string, access: D1Access) => {
    const source = sources.get(name);
    return source === undefined ? null : open(source, access);
  };
  const boundHome = (name: string, access: D1Access) => {
    const home = findHome(name, access);
    if (home === null) throw new ConfigError([`${name} is not bound, and someone lives there`]);
    return home;
  };
  return {
    findHome,
    boundHome,
    homes: (access) => [...sources.values()].map((source) => open(source, access)),
    defaultHome: (access) => boundHome(DEFAULT_HOME, access),
    replicaOf: (home) => {
      const { at, ...breakers } = sources.get(home.name) as Source;
      return openReplica(at, home, breakers);
    },
  };
}
