/**
 * What a client needs for each call by a binding or as a function of an app: the same capability,
 * and no other in its place.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionsCalls } from '../../src/client/rpc';
import { CAPABILITIES, type Capability } from '../../src/config/clients';
import { createSessions } from '../../src/mount';
import { NEEDS } from '../capabilities';
import { APP, BACKEND, clientsWith, startService, type TestService } from '../fixtures';
import { USER } from '../people';
import { bind } from './door';
import { goodInputs } from './good-inputs';

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const entries = Object.entries(NEEDS).map(
  ([name, { needs }]) => [name as keyof SessionsCalls, needs] as const,
);

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

  const guarded = entries.filter(([, needs]) => needs !== null);
  it.each(guarded as [keyof SessionsCalls, Capability][])(
    '%s needs %s, before its input is looked at: all others do not do, it alone does',
    async (name, capability) => {
      // What manage_users may, manage_all may of every client; support staff and imports begin
      // sessions by capabilities of their own.
      const instead: Capability[] = capability === 'manage_users' ? ['manage_all'] : [];
      const others = CAPABILITIES.filter((other) => ![capability, ...instead].includes(other));
      expect(await codeOf(name, {}, others)).toEqual({ code: 'client_not_allowed', asked: 0 });
      for (const enough of [capability, ...instead]) {
        const { code } = await codeOf(name, goodInputs(USER)[name], [enough]);
        expect(['client_not_allowed', 'config_invalid', 'invalid_client']).not.toContain(code);
      }
    },
  );

  it('whoever may do everything, or nothing, does nothing with a token that is nobody’s', async () => {
    for (const [name, needs] of entries) {
      if (needs !== null) continue;
      for (const allow of [CAPABILITIES, []]) {
        const { code } = await codeOf(name, goodInputs(USER)[name], allow);
        expect([name, code]).toEqual([name, name === 'revoke' ? 'answered' : 'invalid_token']);
      }
    }
  });
});
