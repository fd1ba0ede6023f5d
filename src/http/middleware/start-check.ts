/**
 * What of the configuration can only be looked at once hashes are made: before the first request is
 * answered, and until it is right, none is.
 */
import { createMiddleware } from 'hono/factory';
import { assertClientSecretsApart } from '../../config/secrets-apart';
import type { AppEnv } from '../context';

export function startCheck(config: Parameters<typeof assertClientSecretsApart>[0]) {
  let isRight = false;
  return createMiddleware<AppEnv>(async function startCheck(_, next) {
    if (!isRight) await assertClientSecretsApart(config);
    isRight = true;
    await next();
  });
}
