/** The operator who looks at the console, by either login. */

export interface Operator {
  /** For the audit log: an e-mail address, or the subject. */
  name: string;
  /** The login that its forms are bound to. It is no secret. */
  login: string;
  /** When they proved who they are, in seconds since 1970. */
  provedAt: number;
}

/** Why a request is nobody's who may look. */
export type Rejection =
  /** No login, or none that is good. */
  | 'not_signed_in'
  /** Somebody else. */
  | 'not_an_operator'
  /** Support staff in an operator's session. */
  | 'support_staff'
  /** The operator proved who they are too long ago, or not well enough. */
  | 'stale'
  /** The keys, or the service, cannot be reached, so that nothing can be decided. */
  | 'unavailable';

export type Login = { ok: true; operator: Operator } | { ok: false; why: Rejection };

export const reject = (why: Rejection): Login => ({ ok: false, why });
