/** Refusals and faults as values, with the codes of HTTP's problems. */
import type { Refusal as RefusalValue } from '../client/rpc';
import type { Refusal } from '../service/refusal';
import type { Fault } from './fault';

/** The members that every answer has are added where the answer is made. */
export type Refused = Omit<RefusalValue, 'ok' | 'request_id' | 'bookmark'>;

/** Refusals whose code says all. A new one has to be given its answer. */
type CodeAlone =
  | 'invalid_target'
  | 'invalid_scope'
  | 'unsupported_token_type'
  | 'ambiguous_cookie'
  | 'actor_not_allowed'
  | 'session_limit_reached'
  | 'too_many_accounts'
  | 'refresh_token_superseded'
  | 'guest_session_not_found'
  | 'idempotent_session_moved_on'
  | 'idempotency_key_reused'
  | 'invalid_code';

export function toRefused(refusal: Refusal): Refused {
  switch (refusal.code) {
    case 'invalid_request': {
      const { code, detail, errors } = refusal;
      return { code, detail, ...(errors && { errors }) };
    }
    case 'invalid_token':
    case 'client_not_allowed':
    case 'not_found':
      return { code: refusal.code, detail: refusal.detail };
    case 'invalid_grant':
    case 'assertion_refused':
    case 'session_ended':
    case 'session_over':
      return { code: refusal.code, ...(refusal.reason !== null && { reason: refusal.reason }) };
    case 'insufficient_user_authentication':
      return { code: refusal.code, max_age: refusal.maxAgeSeconds };
    case 'user_has_other_home':
      return { code: refusal.code, home: refusal.home };
    case 'too_many_requests':
      return { code: refusal.code, retry_after: refusal.retryAfterSeconds };
    // The next try may find the move finished.
    case 'user_moved':
      return { code: refusal.code, retry_after: 1 };
    // Not a list of cases, which would make the Worker larger.
    default:
      return { code: refusal.code satisfies CodeAlone };
  }
}

export function toFaultRefused({ code, detail, retryAfterSeconds, homes }: Fault): Refused {
  return {
    code: toFaultCode(code),
    ...(detail !== null && { detail }),
    ...(retryAfterSeconds !== null && { retry_after: retryAfterSeconds }),
    ...(homes.length > 0 && { homes: [...homes] }),
  };
}

/** A caller that has to wait does the same for both. */
function toFaultCode(code: Fault['code']): Refused['code'] {
  switch (code) {
    case 'database_unavailable':
    case 'issuer_unavailable':
      return 'temporarily_unavailable';
    case 'config_invalid':
    case 'internal_error':
      return code;
  }
}
