/** Audiences and scopes by RPC: as over HTTP, a session has what it was granted, and never more. */
import { decodeJwt } from 'jose';
import { expect, it, vi } from 'vitest';
import { BACKEND, startService } from '../fixtures';
import { bind, refusalOf, valueIn } from './door';

it('a backend narrows at the start and at a refresh, and is refused what was not granted', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const { CLIENTS } = (await startService()).env;
  const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
  const clients = entries.map((entry) =>
    entry.client_id === BACKEND.id
      ? { ...entry, scopes: ['read', 'write', 'admin'], serves: ['urn:a'] }
      : entry,
  );
  const service = await startService({
    AUDIENCE: '["urn:a","urn:b","urn:c"]',
    CLIENTS: JSON.stringify(clients),
  });
  const bound = bind(service, BACKEND.id);
  const created = valueIn(
    await bound.create({ resource: ['urn:a', 'urn:b'], scope: 'read write' }),
  );
  expect(created.scope).toBe('read write');
  expect(decodeJwt(created.access_token)).toMatchObject({
    aud: ['urn:a', 'urn:b'],
    scope: 'read write',
  });
  const { refresh_token } = created;
  const narrow = await bound.refresh({ refresh_token, resource: 'urn:b', scope: 'read' });
  expect(decodeJwt(valueIn(narrow).access_token)).toMatchObject({ aud: 'urn:b', scope: 'read' });
  const refusals = [
    await bound.refresh({ refresh_token, resource: 'urn:c' }),
    await bound.refresh({ refresh_token, scope: 'admin' }),
    await bound.create({ scope: 'root' }),
    await bound.create({ resource: 'urn:d' }),
  ];
  expect(refusals.map((refused) => refusalOf(refused).code)).toEqual([
    'invalid_target',
    'invalid_scope',
    'invalid_scope',
    'invalid_target',
  ]);
  vi.restoreAllMocks();
});
