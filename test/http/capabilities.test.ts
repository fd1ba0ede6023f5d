/**
 * What a backend needs for each route: the capability that the OpenAPI document names, that one
 * alone, and no other in its place.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import document from '../../assets/edge-sessions/openapi.json';
import { CAPABILITIES } from '../../src/config/clients';
import { NEEDS } from '../capabilities';
import { APP, BACKEND, basic, clientsWith, startService } from '../fixtures';
import { ALL_ROUTES, BACKEND_ROUTES, OAUTH_ROUTES, toInit, USER_ROUTES } from './routes';

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

type Described = { operationId: string; description?: string; security: object[] };
const described = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations as Record<string, Described>).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path}`,
    operation: operation.operationId,
    capability: /Needs `(\w+)`/.exec(operation.description ?? '')?.[1] ?? null,
    takesClients: operation.security.some((each) => 'client' in each),
  })),
);
const nameOf = ({ method, pattern }: { method: string; pattern: string }) =>
  `${method} ${pattern.replaceAll(/:(\w+)/g, '{$1}')}`;

it('every route of the OpenAPI document is in the list that the tests go through, but pages and documents', () => {
  const listed = ALL_ROUTES.map(nameOf);
  const missing = described
    .map(({ route }) => route)
    // A gateway's route has two kinds of credentials of its own (http/gateway/verify.test.ts).
    .filter((route) => !/ \/(account|docs|openapi|verify)/.test(route))
    .filter((route) => !listed.includes(route));
  expect(missing).toEqual([]);
});

it('every route that takes a client’s credentials needs what its call by a binding needs', () => {
  const ofCalls = Object.values(NEEDS).flatMap(({ operation, needs }) =>
    operation === undefined ? [] : [[operation, needs] as const],
  );
  const isOfClients = new Set(
    described.flatMap((each) => (each.takesClients ? each.operation : [])),
  );
  const expected = ofCalls.filter(
    ([operation, needs]) => needs !== null || isOfClients.has(operation),
  );
  const named = described
    .filter(({ takesClients }) => takesClients)
    .map(({ operation, capability }) => [operation, capability]);
  expect(Object.fromEntries(named)).toEqual({
    ...Object.fromEntries(expected),
    // Each grant has a capability of its own.
    requestToken: null,
    // For a program that collects numbers.
    metrics: 'operate',
  });
});

describe('a backend', () => {
  const ofClients = [...BACKEND_ROUTES, ...USER_ROUTES, ...OAUTH_ROUTES]
    .map((route) => ({
      ...route,
      capability: described.find((each) => each.route === nameOf(route))?.capability ?? null,
    }))
    .filter(({ capability }) => capability !== null);

  it('needs a capability for every route that takes its credentials, but those of its own tokens', () => {
    expect(ofClients.length).toBeGreaterThan(24);
    const free = BACKEND_ROUTES.map(nameOf).filter(
      (name) => !ofClients.some((route) => nameOf(route) === name),
    );
    expect(free).toEqual([]);
  });

  it.each(ofClients)(
    '$method $pattern needs $capability: all others do not do, it alone does',
    async (route) => {
      const standard = await startService();
      const ask = async (allow: readonly string[]) => {
        const members = { allow, for_clients: [BACKEND.id, APP] };
        const service = await startService({
          CLIENTS: clientsWith(standard, BACKEND.id, members),
        });
        service.database.roundTrips = 0;
        const headers = { authorization: basic(BACKEND) };
        const response = await service.request(route.path, toInit(route, headers));
        const { code, error } = (await response.json().catch(() => ({}))) as Record<string, string>;
        return { outcome: code ?? error ?? 'answered', asked: service.database.roundTrips };
      };
      // What manage_users may, manage_all may of every client.
      const instead = route.capability === 'manage_users' ? ['manage_all'] : [];
      const others = CAPABILITIES.filter((name) => ![route.capability, ...instead].includes(name));
      const refusal = route.form ? 'unauthorized_client' : 'client_not_allowed';
      expect(await ask(others)).toEqual({ outcome: refusal, asked: 0 });
      for (const enough of [route.capability as string, ...instead])
        expect((await ask([enough])).outcome).not.toBe(refusal);
    },
  );
});
