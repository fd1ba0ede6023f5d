/** For operators: the signing keys, and taking those out of use that are compromised. */
import { Hono } from 'hono';
import * as v from 'valibot';
import { KEY_CACHE_SECONDS } from '../../config/signing-key-policy';
import { toIso } from '../../iso-time';
import type { Service } from '../../service/service';
import { listSigningKeys, withdrawSigningKeys } from '../../service/withdraw-keys';
import { clientAuth } from '../auth/client-auth';
import { clientCallerOf } from '../caller';
import type { AppEnv } from '../context';
import { ProblemError } from '../errors';
import { actReason, readJson } from '../input';
import { toProblemError } from '../refusals';

const revokeSchema = v.strictObject({
  kid: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
  /** Seconds since 1970. */
  created_before: v.optional(
    v.pipe(v.number(), v.integer('must be whole seconds since 1970'), v.minValue(0)),
  ),
  reason: actReason,
});

export function keyRoutes(service: Service): Hono<AppEnv> {
  const { config } = service;
  const operator = clientAuth(service, 'operate');
  const routes = new Hono<AppEnv>();

  routes.get('/', operator, async (c) => {
    const listed = await listSigningKeys(clientCallerOf(c), service);
    if (!listed.ok) throw toProblemError(listed.refusal);
    return c.json({
      keys: listed.keys.map(({ kid, alg, state, createdAt, activatesAt }) => ({
        kid,
        alg,
        state,
        created_at: toIso(createdAt),
        activates_at: toIso(activatesAt),
      })),
    });
  });

  /** Which keys are compromised has to be said: one, or all that were made before a time. */
  routes.post('/revoke', operator, async (c) => {
    const { input } = await readJson(c, revokeSchema);
    const { kid, created_before: before, reason = null } = input;
    if ((kid === undefined) === (before === undefined))
      throw new ProblemError('invalid_request', 'Name a kid, or created_before for all keys');
    const which = kid === undefined ? { createdBefore: new Date(1000 * (before ?? 0)) } : { kid };
    const withdrawn = await withdrawSigningKeys(clientCallerOf(c), service, which, reason);
    if (!withdrawn.ok) throw toProblemError(withdrawn.refusal);
    const { revoked, signing } = withdrawn;
    c.set('outcome', revoked.length > 0 ? 'keys_revoked' : 'unchanged');
    return c.json({
      revoked,
      signing,
      /** The bounds: all isolates of this service, and resource servers that can ask it. */
      refused_here_within: KEY_CACHE_SECONDS,
      refused_by_verifiers_within: KEY_CACHE_SECONDS + config.signingKeys.jwksMaxAgeSeconds,
    });
  });

  return routes;
}
