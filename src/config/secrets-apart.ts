/**
 * Each secret stands in one place: whoever has it for one purpose could act in the other. Secrets
 * of clients are known by their hashes alone, and hashing waits, so that part of the configuration
 * is looked at once before anything is answered.
 */
import * as base64url from 'jose/base64url';
import { sha256 } from '../crypto';
import { ConfigError } from '../faults';
import type { Client } from './clients';
import type { Webhook } from './webhooks';

interface Secrets {
  sessionSecret: string;
  previousSessionSecret: string | null;
  webhooks: readonly Webhook[];
  clients: ReadonlyMap<string, Client>;
}

/** The secrets by the names of their variables. */
function sessionSecretsOf({ sessionSecret, previousSessionSecret }: Secrets) {
  return [
    ['SESSION_SECRET', sessionSecret],
    ['SESSION_SECRET_PREVIOUS', previousSessionSecret ?? ''],
  ].filter(([, secret]) => secret !== '') as [string, string][];
}

/** The mistakes that can be told at once. */
export function findSharedSecrets(secrets: Secrets): string[] {
  const { webhooks, clients } = secrets;
  const shared = sessionSecretsOf(secrets).flatMap(([name, secret]) => [
    // The receiver of a webhook has its secret, and could make tokens with it.
    ...webhooks
      .filter((webhook) => isSecretOf(webhook, secret))
      .map((webhook) => `${name} is the secret of the webhook ${webhook.name}; each needs its own`),
    // CLIENTS is no secret: it stands in wrangler.toml, and in the dashboard.
    ...[...clients.values()]
      .filter(({ secretHashes }) => secretHashes.some((hash) => spellHash(hash).includes(secret)))
      .map(({ id }) => `${name} is the secret_sha256 of the client ${id}, which is no secret`),
  ]);
  const owners = new Map<string, string>();
  for (const { name, secrets } of webhooks) {
    const own = secrets.map((secret) => base64url.encode(secret));
    if (new Set(own).size < own.length) shared.push(`WEBHOOKS: ${name}: both secrets are the same`);
    for (const secret of new Set(own)) {
      const owner = owners.get(secret);
      // Either receiver could send the other one messages that look like the service's.
      if (owner !== undefined)
        shared.push(`WEBHOOKS: ${owner} and ${name} have one secret; each needs its own`);
      owners.set(secret, name);
    }
  }
  return shared;
}

/** Throws `ConfigError` where a client's secret is one of the others. */
export async function assertClientSecretsApart(secrets: Secrets): Promise<void> {
  const others = [
    ...sessionSecretsOf(secrets),
    ...secrets.webhooks.flatMap((webhook) =>
      webhook.secrets
        .flatMap(spellSecret)
        .map((text) => [`The secret of the webhook ${webhook.name}`, text] as const),
    ),
  ];
  const mistakes = new Set<string>();
  for (const [name, text] of others) {
    const digest = await sha256(text);
    for (const { id, secretHashes } of secrets.clients.values())
      if (secretHashes.includes(digest))
        mistakes.add(`${name} is the secret of the client ${id}; each needs its own`);
  }
  if (mistakes.size > 0) throw new ConfigError([...mistakes]);
}

/** Whether a text is one of the webhook's secrets, as it is sent out or as the bytes that it is. */
function isSecretOf({ secrets }: Webhook, text: string): boolean {
  return secrets.some((secret) => spellSecret(secret).includes(text));
}

/** How a webhook's secret may be written somewhere else. */
function spellSecret(secret: Uint8Array): string[] {
  const forUrls = base64url.encode(secret);
  const plain = forUrls.replaceAll('-', '+').replaceAll('_', '/');
  const padding = '='.repeat(-forUrls.length & 3);
  const spelled = [forUrls, plain].flatMap((text) => [text, text + padding]);
  return [...spelled, ...spelled.map((text) => `whsec_${text}`), new TextDecoder().decode(secret)];
}

function spellHash(hash: string): string[] {
  const hex = [...base64url.decode(hash)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  return [hash, hex, hex.toUpperCase()];
}
