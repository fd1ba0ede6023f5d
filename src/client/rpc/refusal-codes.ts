/** Why a call is refused, and why a session is over. */

export type RefusalCode =
  /** The input is not valid; `detail` and `errors` say what is wrong. */
  | 'invalid_request'
  /** The binding has no `props.clientId`, or one that is not in CLIENTS. */
  | 'invalid_client'
  /** `allow` of the client does not list what the call needs. */
  | 'client_not_allowed'
  /** It does not exist, or belongs to a client that this one does not act for. */
  | 'not_found'
  /** The access token is not good, or not of a client that this one acts for. */
  | 'invalid_token'
  /** The `resource` is not one that access tokens are issued for (RFC 8707). */
  | 'invalid_target'
  /** The `scope` is none, or more than the session, or its client, was granted. */
  | 'invalid_scope'
  /** An access token for an API ends no session of a public client (RFC 7009 §2.2.1). */
  | 'unsupported_token_type'
  /**
   * The refresh token is not good. Without a `reason` it is not authentic, or not this client's.
   */
  | 'invalid_grant'
  /** The session behind the access token or the cookie is over. */
  | 'session_ended'
  /** The browser sent two cookies of the session's name, and neither counts. */
  | 'ambiguous_cookie'
  /** The session that was to be stepped up is over. */
  | 'session_over'
  /** The person has to authenticate again first (RFC 9470). */
  | 'insufficient_user_authentication'
  /** Support staff who act as the user may not do it. */
  | 'actor_not_allowed'
  | 'session_limit_reached'
  | 'user_has_other_home'
  /** The user is moving between homes; the same call may succeed at once. */
  | 'user_moved'
  | 'refresh_token_superseded'
  | 'guest_session_not_found'
  | 'idempotent_session_moved_on'
  | 'idempotency_key_reused'
  | 'assertion_refused'
  | 'invalid_code'
  | 'too_many_accounts'
  | 'too_many_requests'
  /** The database, or the issuer of an ID token, gave no answer: keep the token, try again. */
  | 'temporarily_unavailable'
  /** The service's configuration is wrong; its log names every mistake. */
  | 'config_invalid'
  | 'internal_error';

/** Why an authentic ID token starts no session. */
export type AssertionReason =
  | 'assertion_used'
  | 'assertion_expired'
  | 'wrong_audience'
  | 'wrong_nonce'
  | 'wrong_claims';

/** Why a session is over, as its own user may be told. */
export type RefusalReason =
  | 'expired_idle'
  | 'expired_absolute'
  | 'signed_out'
  | 'evicted'
  | 'reuse_detected'
  | 'revoked'
  /**
   * The reason of the backend that ended it; take a reason that is not known here for `revoked`.
   */
  | 'password_changed'
  | 'credential_compromised'
  | 'account_disabled'
  | 'administrator'
  | 'user_request'
  | 'reauthenticate';
