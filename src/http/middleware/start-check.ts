/**
 * Checks the part of the configuration that needs hashes, which cannot be made at the top of a
 * module: no request is answered before it is right.
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
