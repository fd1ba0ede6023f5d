/** A code counts for the session's first secret, and not for its id alone. */
import { env } from 'cloudflare:test';
import { beforeEach, expect, it, vi } from 'vitest';
import { deriveKeyring, randomSecret } from '../../../src/crypto';
import { openHandoff, sealHandoff } from '../../../src/tokens/handoff-code';
import { readRow } from '../../fixtures';
import { handOff, start, startWithBrowsers } from './browser';

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events');
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

it('a code with another secret for a session that waits starts nothing, and takes nothing', async () => {
  const service = await startWithBrowsers();
  const { session, browser } = await handOff(service);
  const { now } = service.clock;
  const keyring = await deriveKeyring(service.env.SESSION_SECRET as string, null);
  const code = new URL(browser.start_url).searchParams.get('code') as string;
  const opened = await openHandoff(keyring, code, now);
  if (opened === null) throw new Error('the code does not open');
  const other = await sealHandoff(keyring, { ...opened, secret: randomSecret() }, now);

  const waiting = await readRow(session.id);
  const refused = await start(service, new Map(), browser.start_url.replace(code, other));
  expect(refused.status).not.toBe(303);
  expect(refused.headers.getSetCookie().join()).not.toContain('__Host-session');
  expect(await readRow(session.id)).toEqual(waiting);
  expect((await start(service, new Map(), browser.start_url)).status).toBe(303);
});
