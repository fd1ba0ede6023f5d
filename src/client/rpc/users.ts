/** People by what an identity provider calls them (OpenID Connect Core §2). */

/** A person, as an identity provider names them. */
export interface IssuedName {
  /** Its issuer identifier, a URL of up to 255 characters. */
  issuer: string;
  /** 1 to 255 characters. */
  subject: string;
}

/** A user whom an identity provider has named. */
export interface User extends IssuedName {
  /** A UUID, as `user_id` everywhere else. */
  id: string;
  /** ISO 8601 in UTC; null: it was not noted. */
  created_at: string | null;
}
