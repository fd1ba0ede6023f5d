/** Refusals and faults as values, with the codes of HTTP's problems. */
import type { Refusal as RefusalValue } from '../client/rpc';
import type { Refusal } from '../service/refusal';
import type { Fault } from './fault';

/** The members that every answer has are added where the answer is made. */
export type Refused = Omit<RefusalValue, 'ok' | 'request_id' | 'bookmark'>;

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
    case 'invalid_target':
    case 'invalid_scope':
    case 'unsupported_token_type':
    case 'ambiguous_cookie':
    case 'actor_not_allowed':
    case 'session_limit_reached':
    case 'too_many_accounts':
    case 'refresh_token_superseded':
    case 'guest_session_not_found':
    case 'idempotent_session_moved_on':
    case 'idempotency_key_reused':
    case 'invalid_code':
      return { code: refusal.code };
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
