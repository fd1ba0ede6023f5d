/** Asks the service whether the session of a token is live (RFC 7662). */

/** The credentials that the service is asked with (RFC 7662 §2.1, HTTP Basic). */
export interface IntrospectionOptions {
  /** A client of the service that is allowed to `introspect`. */
  clientId: string;
  /** Its secret, which is sent to the service alone. */
  clientSecret: string;
}

const TIMEOUT_MS = 5_000;

export async function askIntrospection(
  issuer: string,
  token: string,
  { clientId, clientSecret }: IntrospectionOptions,
  send: typeof fetch,
): Promise<'active' | 'inactive' | 'unknown'> {
  try {
    const response = await send(`${issuer}/oauth/introspect`, {
      method: 'POST',
      headers: {
        Authorization: `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}`,
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) return 'unknown';
    const { active } = (await response.json()) as { active: unknown };
    return active === true ? 'active' : 'inactive';
  } catch {
    return 'unknown';
  }
}
