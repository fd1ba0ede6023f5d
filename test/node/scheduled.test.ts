import { expect, it } from 'vitest';
import { createSession, ORIGIN } from './demo.ts';

it('the cron runs by hand, on a database that is in use', async () => {
  await createSession();
  const response = await fetch(`${ORIGIN}/cdn-cgi/handler/scheduled`);
  expect(response.status).toBe(200);
});
