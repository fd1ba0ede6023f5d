/** The homes of the configuration, opened for a request: an isolate keeps how each has answered. */
import type { Config } from '../config/config';
import type { HomeConfig } from '../config/homes';
import { type Breaker, createBreaker } from '../db/breaker';
import {
  type Copy,
  DEFAULT_HOME,
  type Home,
  type HomeBinding,
  type Meter,
  openHome,
  openReplica,
  type Replica,
} from '../db/d1';
import { ConfigError } from '../faults';

export interface Homes {
  /** A home by the name that a token carries; null when there is none of this name. */
  findHome: (name: string, meter: Meter) => Home | null;
  /**
   * A home that the configuration names, or that a user is known to live in. Throws `ConfigError`
   * when it is not bound.
   */
  boundHome: (name: string, meter: Meter) => Home;
  /** All of them, the default one first. */
  homes: (meter: Meter) => Home[];
  defaultHome: (meter: Meter) => Home;
  /** A home's copy for reads that may lag. */
  replicaOf: (home: Home) => Replica;
}

/** What the isolate keeps of a home: how to reach it, and how that went. */
interface Source {
  at: HomeBinding;
  primary: Breaker;
  replica: Breaker;
  copy: Copy;
}

export function createHomes(
  { homes, d1TimeoutMs }: Pick<Config, 'homes' | 'd1TimeoutMs'>,
  now: () => number,
): Homes {
  const toSource = ({ name, binding }: HomeConfig): Source => ({
    at: { name, binding, timeoutMs: d1TimeoutMs },
    primary: createBreaker(now),
    replica: createBreaker(now),
    copy: { isSeen: null },
  });
  const sources = new Map([...homes.values()].map((home) => [home.name, toSource(home)]));
  const open = ({ at, primary }: Source, meter: Meter) => openHome(at, meter, primary);
  const findHome = (name: string, meter: Meter) => {
    const source = sources.get(name);
    return source === undefined ? null : open(source, meter);
  };
  const boundHome = (name: string, meter: Meter) => {
    const home = findHome(name, meter);
    if (home === null) throw new ConfigError([`${name} is not bound, and someone lives there`]);
    return home;
  };
  return {
    findHome,
    boundHome,
    homes: (meter) => [...sources.values()].map((source) => open(source, meter)),
    defaultHome: (meter) => boundHome(DEFAULT_HOME, meter),
    replicaOf: ({ name, meter }) => {
      const { at, ...breakers } = sources.get(name) as Source;
      return openReplica(at, meter, breakers);
    },
  };
}
