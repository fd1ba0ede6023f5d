/** Checks whom the service asks and tells: its issuers' keys, and its webhooks. */
import { reach } from '../reach-url.ts';
import { about, type Finding } from './finding.ts';
import { type Patient, readEntries } from './patient.ts';

const TIMEOUT_MS = 10_000;

export async function checkOutside(patient: Patient): Promise<Finding[]> {
  const issuers = readEntries(patient.vars, 'TRUSTED_ISSUERS') as TrustedIssuer[];
  const named = issuers.filter(({ issuer }) => typeof issuer === 'string');
  return [...(await Promise.all(named.map(checkIssuerKeys))), ...(await checkWebhooks(patient))];
}

interface TrustedIssuer {
  issuer: string;
  jwks_uri?: string;
}

async function checkIssuerKeys({ issuer, jwks_uri: given }: TrustedIssuer): Promise<Finding> {
  const { ok, problem } = about('issuers');
  try {
    const uri = given ?? (await discover(issuer));
    const { keys } = await readJson<{ keys?: unknown[] }>(uri);
    return keys !== undefined && keys.length > 0
      ? ok(`${issuer} has ${keys.length} key${keys.length === 1 ? '' : 's'}`)
      : problem(`${issuer} has no keys at ${uri}`, 'set its jwks_uri in TRUSTED_ISSUERS');
  } catch (error) {
    return problem(
      `${issuer}: ${(error as Error).message}`,
      'its issuer in TRUSTED_ISSUERS is exactly what its tokens’ iss is; nobody can sign in by it now',
    );
  }
}

/** OpenID Connect Discovery 1.0 §4: the document names the issuer that was asked for. */
async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = await readJson<{ issuer?: string; jwks_uri?: string }>(url);
  if (document.issuer !== issuer) throw new Error(`${url} calls itself ${document.issuer}`);
  if (document.jwks_uri === undefined) throw new Error(`${url} has no jwks_uri`);
  return document.jwks_uri;
}

async function readJson<T>(url: string): Promise<T> {
  const response = await reach(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T;
}

/** WEBHOOKS is a secret, so where they are is known on this machine alone, or from deliveries. */
async function checkWebhooks({ vars, ask }: Patient): Promise<Finding[]> {
  const { ok, problem, skipped } = about('webhooks');
  const known = readEntries({ WEBHOOKS: process.env.WEBHOOKS ?? vars.WEBHOOKS }, 'WEBHOOKS');
  const findings = await Promise.all((known as { name: string; url: string }[]).map(checkEndpoint));
  if (ask === null)
    return known.length > 0
      ? findings
      : [
          skipped(
            'WEBHOOKS is a secret, and nobody is asked what was not delivered',
            'set CLIENT_ID and CLIENT_SECRET of a client that may operate, or WEBHOOKS',
          ),
        ];
  try {
    const { deliveries, next_cursor: more } = await ask<{
      deliveries: { endpoint: string; attempts: number; last_error: string | null }[];
      next_cursor: string | null;
    }>('GET', '/v1/webhook-deliveries?limit=100');
    const failing = deliveries.filter(({ attempts }) => attempts > 0);
    if (failing.length === 0) return [...findings, ok('everything was delivered')];
    const endpoints = [...new Set(failing.map(({ endpoint }) => endpoint))].join(', ');
    return [
      ...findings,
      problem(
        `${more === null ? failing.length : 'over 100'} not delivered to ${endpoints}: ${failing[0]?.last_error ?? 'no reason'}`,
        'mend the receiver; it is tried again by itself, or at once by POST /v1/webhook-deliveries/replay',
      ),
    ];
  } catch (error) {
    return [...findings, skipped((error as Error).message)];
  }
}

/** Any answer will do: what a receiver makes of a message that is none is its own affair. */
async function checkEndpoint({ name, url }: { name: string; url: string }): Promise<Finding> {
  const { ok, problem } = about('webhooks');
  const origin = URL.parse(url)?.origin;
  if (origin === undefined) return problem(`${name} has no URL`, 'mend its url in WEBHOOKS');
  try {
    await reach(url, { method: 'OPTIONS', signal: AbortSignal.timeout(TIMEOUT_MS) });
    return ok(`${name} answers`);
  } catch (error) {
    // Other parts of the URL may be as secret as WEBHOOKS is.
    const why = (error as Error).message.replaceAll(url, origin);
    return problem(`${name}: ${why}`, 'start it, or mend its url in WEBHOOKS');
  }
}
