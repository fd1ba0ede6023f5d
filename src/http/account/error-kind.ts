/** The kinds of errors, by what a person has to know of them. */
import type { ProblemCode } from '../errors';

export type ErrorKind =
  /** There is no session, or not any more. */
  | 'ended'
  /** The person signed in too long ago for this. */
  | 'authenticate'
  /** There is no such page, device, or code. */
  | 'nothing'
  /** The same request may succeed in a moment. */
  | 'unavailable'
  /** There were too many requests; the same one may succeed later. */
  | 'busy'
  /** The service itself is at fault, and another try may not help. */
  | 'fault'
  /** The link was good once, and is not any more. */
  | 'spent'
  /** Support staff may not do this as the person. */
  | 'support'
  /** Another site sent the request. */
  | 'cross_site'
  /** The browser can hold no more accounts. */
  | 'full'
  /** The request is not one that the page's own links and forms make. */
  | 'unclear';

type Unclear =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_target'
  | 'invalid_scope'
  | 'client_not_allowed'
  | 'session_limit_reached'
  | 'user_has_other_home'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'idempotency_key_reused'
  | 'assertion_refused';

/** Exhaustive, so that a new problem has to be given the words that are true of it. */
export function toErrorKind(code: ProblemCode): ErrorKind {
  switch (code) {
    case 'session_ended':
    case 'ambiguous_cookie':
    case 'session_over':
    case 'invalid_token':
    case 'guest_session_not_found':
    case 'refresh_token_superseded':
    case 'idempotent_session_moved_on':
      return 'ended';
    case 'insufficient_user_authentication':
      return 'authenticate';
    case 'not_found':
    case 'method_not_allowed':
      return 'nothing';
    case 'database_unavailable':
    case 'issuer_unavailable':
    case 'config_invalid':
    case 'user_moved':
      return 'unavailable';
    case 'too_many_requests':
      return 'busy';
    case 'internal_error':
      return 'fault';
    case 'invalid_code':
      return 'spent';
    case 'too_many_accounts':
      return 'full';
    case 'actor_not_allowed':
      return 'support';
    case 'cross_site_request':
    case 'third_party_cookies_blocked':
      return 'cross_site';
    // Not a list of cases, which would make the Worker larger.
    default:
      code satisfies Unclear;
      return 'unclear';
  }
}
