/**
 * A gateway's own credentials. They stand in a header of their own, because `Authorization` is the
 * visitor's. A mistake in them is answered 403, never 401: a gateway hands that on to the visitor,
 * and no app may take somebody for signed out over a gateway that is set up wrong.
 */
import type { Client } from '../../config/clients';
import type { Service } from '../../service/service';
import { authenticateByHeader } from '../auth/client-auth';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';

const GATEWAY_HEADER = 'X-Gateway-Authorization';

/** null: the caller does not say that it is a gateway. Throws `client_not_allowed`. */
export async function authenticateGateway(c: AppContext, service: Service): Promise<Client | null> {
  const header = c.req.header(GATEWAY_HEADER);
  if (header === undefined || header === '') return null;
  try {
    return await authenticateByHeader(c, service, header);
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'invalid_client') throw error;
    const detail = `${GATEWAY_HEADER} is not Basic with the client_id and secret of a client`;
    throw new ProblemError('client_not_allowed', { detail });
  }
}
