/**
 * Everything that this service asks of others (webhooks, OpenID providers) says who asks: Workers
 * send no `User-Agent` by themselves, and firewalls refuse requests that have none.
 */
export function namedAs(issuer: string, customFetch: typeof fetch): typeof fetch {
  // RFC 9110 §10.1.5: a product, and as its comment where whoever reads their log can look it up.
  const userAgent = `edge-sessions (+${issuer})`;
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('User-Agent', userAgent);
    return customFetch(input, { ...init, headers });
  };
}
