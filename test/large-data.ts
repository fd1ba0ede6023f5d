/** Histories of a size that no test could make by asking the service, written by one statement. */
import { env } from 'cloudflare:test';
import { APP, START } from './fixtures';

const second = START / 1000;
const COUNTING = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)';

/**
 * Sessions of a user, a minute apart and the last one a minute ago: open ones, ones that were
 * signed out, or open ones that died of time.
 */
export async function fillSessions(
  userId: string,
  count: number,
  are: 'open' | 'ended' | 'expired' = 'open',
): Promise<void> {
  await env.DB.prepare('INSERT INTO users (id) VALUES (?) ON CONFLICT DO NOTHING')
    .bind(userId)
    .run();
  const [expiresAt, revokedAt] =
    are === 'expired' ? [second - 1, null] : [second + 86_400, are === 'ended' ? second : null];
  await env.DB.prepare(
    `${COUNTING} INSERT INTO user_sessions
       (user_id, refresh_token, client_id, created_at, expires_at, revoked_at, revoked_reason, last_signals)
     SELECT ?2, 'x', '${APP}', ${second} - (?1 - i + 1) * 60, ?3, ?4, iif(?4 IS NULL, NULL, 'signed_out'),
       '{"browser":"Firefox","platform":"Linux"}' FROM n`,
  )
    .bind(count, userId, expiresAt, revokedAt)
    .run();
}

/** A log of this many events, the last one a second ago. */
export async function fillEvents(subject: string, count: number, clientId = APP): Promise<void> {
  await env.DB.prepare(
    `${COUNTING} INSERT INTO session_events (type, subject, session_id, client_id, request_id, created_at)
     SELECT 'context_changed', ?2, ?2, ?3, 'earlier', ${second} - (?1 - i + 1) FROM n`,
  )
    .bind(count, subject, clientId)
    .run();
}

export const empty = () =>
  env.DB.exec(
    'DELETE FROM webhook_deliveries; DELETE FROM session_events; DELETE FROM idempotency_keys; DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens',
  );
