/**
 * For routes that backends and users share: the Authorization header's scheme says which of the two
 * asks. What is neither is told what users are told, so that no browser asks a person for a
 * password.
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
    // Two headers of the name arrive as one, joined by a comma, which no credential has. What
    // begins with a client's, or is two tokens, the one that is asked refuses.
    if (/,\s*basic\b/i.test(c.req.header('authorization') ?? ''))
      throw new ProblemError('invalid_request', 'Use one way of authentication, not two');
    return isOfClient(c) ? client(c, next) : bearer(c, next);
  });
};

/** Whether a backend asks, and no user. */
export const isOfClient = (c: AppContext) => /^basic\b/i.test(c.req.header('authorization') ?? '');
