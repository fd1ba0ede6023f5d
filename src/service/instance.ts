/** The service that an isolate keeps for an environment, with the keys that it has derived. */
import { parseConfig } from '../config/config';
import type { Bindings, Env } from '../env';
import { namedAs } from '../outgoing';
import { createService, type Service } from './service';

const services = new WeakMap<object, Service>();

/** The same service for all doors. Throws `ConfigError`. */
export function serviceFor(env: Bindings): Service {
  const known = services.get(env);
  if (known !== undefined) return known;
  const config = parseConfig(env as Env);
  const customFetch = namedAs(config.issuer, (input, init) => fetch(input, init));
  const service = createService(env as Env, config, Date.now, customFetch);
  services.set(env, service);
  return service;
}
