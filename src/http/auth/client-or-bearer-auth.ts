/**
 * For routes that backends and users share: the scheme of the Authorization header says which of
 * the two asks. A request that is neither gets the answer that users get, so that no browser asks a
 * person for a password.
 */
import { createMiddleware } from 'hono/factory';
import type { Service } from '../../service/service';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import { bearerAuth } from './bearer-auth';
import { clientAuth } from './client-auth';

export const clientOrBearerAuth = (service: Service) => {
  const [client, bearer] = [clientAuth(service), bearerAuth(service)];
  return createMiddleware<AppEnv>(async function clientOrBearerAuth(c, next) {
    // Two Authorization headers arrive as one, joined by a comma, which no credential has. Where
    // the first is a client's, or both are tokens, the authentication below refuses them.
    if (/,\s*basic\b/i.test(c.req.header('authorization') ?? ''))
      throw new ProblemError('invalid_request', 'Use one way of authentication, not two');
    return isOfClient(c) ? client(c, next) : bearer(c, next);
  });
};

/** Whether a backend asks, and no user. */
export const isOfClient = (c: AppContext) => /^basic\b/i.test(c.req.header('authorization') ?? '');
