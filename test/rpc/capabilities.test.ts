/**
 * What a client needs for each call by a binding or as a function of an app: the same capability,
 * and no other in its place.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionsCalls } from '../../src/client/rpc';
import { CAPABILITIES, type Capability } from '../../src/config/clients';
import { createSessions } from '../../src/mount';
import { APP, BACKEND, clientsWith, startService, type TestService } from '../fixtures';
import { bind } from './door';

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** null: the token that is brought decides. */
const NEEDS: { [Name in keyof SessionsCalls]: Capability | null } = {
  create: 'create_sessions',
  handOff: 'create_sessions',
  authenticate: 'create_sessions',
  authenticateInBrowser: 'create_sessions',
  refresh: 'refresh',
  signIn: 'sign_in',
  introspect: 'introspect',
  exchange: 'exchange',
  exchangeCookie: 'browser_tokens',
  revoke: null,
  importSessions: 'import_sessions',
  handOffImported: 'create_sessions',
  findUser: 'manage_users',
  list: 'manage_users',
  listEvents: 'manage_users',
  revokeAll: 'manage_users',
  updateAll: 'manage_users',
  getSession: 'manage_users',
  updateSession: 'manage_users',
  revokeSession: 'manage_users',
  erase: 'erase_users',
  export: 'manage_all',
  listOwn: null,
  current: null,
  listOwnEvents: null,
  updateOwn: null,
  revokeOwn: null,
  revokeOthers: null,
  listHomes: 'operate',
  drainHome: 'operate',
  moveUser: 'operate',
  setNotBefore: 'operate',
  listDeliveries: 'operate',
  replayDeliveries: 'operate',
  listAuditEvents: 'operate',
  listSigningKeys: 'operate',
  stats: 'operate',
  listSuspicious: 'manage_all',
  revokeSigningKeys: 'operate',
};

type Door = (service: TestService) => SessionsCalls;
const doors: [string, Door][] = [
  ['a binding', (service) => bind(service, BACKEND.id)],
  ['a function of an app', ({ env }) => createSessions({ clientId: BACKEND.id, env }).operations],
];

describe.each(doors)('by %s', (_, open) => {
  const codeOf = async (name: keyof SessionsCalls, input: unknown, allow: readonly string[]) => {
    const members = { allow, for_clients: [BACKEND.id, APP] };
    const standard = await startService();
    const service = await startService({ CLIENTS: clientsWith(standard, BACKEND.id, members) });
    service.database.roundTrips = 0;
    const call = open(service)[name] as (input: unknown) => ReturnType<SessionsCalls['listHomes']>;
    const answer = await call(input);
    return { code: answer.ok ? 'answered' : answer.code, asked: service.database.roundTrips };
  };

  const guarded = Object.entries(NEEDS).filter(([, capability]) => capability !== null);
  it.each(guarded as [keyof SessionsCalls, Capability][])(
    '%s needs %s, before its input is looked at: all others do not do, it alone does',
    async (name, capability) => {
      // What manage_users may, manage_all may of every client; support staff and imports begin
      // sessions by capabilities of their own.
      const instead: Capability[] = capability === 'manage_users' ? ['manage_all'] : [];
      const others = CAPABILITIES.filter((other) => ![capability, ...instead].includes(other));
      expect(await codeOf(name, {}, others)).toEqual({ code: 'client_not_allowed', asked: 0 });
      for (const enough of [capability, ...instead])
        expect((await codeOf(name, {}, [enough])).code).not.toBe('client_not_allowed');
    },
  );

  it('whoever may do everything does nothing with a token that is nobody’s', async () => {
    const byToken = Object.entries(NEEDS).filter(([, capability]) => capability === null);
    for (const [name] of byToken) {
      const input = name === 'revoke' ? { token: 'a.b.c' } : { access_token: 'a.b.c', label: null };
      const { label: _, ...bare } = { label: null, ...input };
      const given = name === 'updateOwn' ? input : bare;
      const { code } = await codeOf(name as keyof SessionsCalls, given, CAPABILITIES);
      expect([name, code]).toEqual([name, name === 'revoke' ? 'answered' : 'invalid_token']);
    }
  });
});
