/** A Worker's staff: who of them asked, and why, is in the audit log beside the client. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, START, startService } from '../fixtures';
import { type Bound, bind, refusalOf, valueIn } from './door';

const ADA = 'ada@support.example';

/** The database is that of the whole file, and acts of one second are in no order of theirs. */
const clock = { now: START };
const nextSecond = () => {
  clock.now += 1000;
};

let backend: Bound;
let user_id: string;
beforeEach(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  user_id = crypto.randomUUID();
  nextSecond();
  const service = await startService({}, clock);
  backend = bind(service, BACKEND.id);
  valueIn(await backend.create({ user_id }));
  return () => vi.restoreAllMocks();
});

/** The newest act on anyone, as the audit log has it. */
async function newestAct() {
  const [event] = valueIn(await backend.listAuditEvents({ limit: 1 })).events;
  return event;
}

it('whoever asks is in the audit log of what is done to a user, with why in their words', async () => {
  const said = { operator: ADA, note: 'called us from Lima' };
  valueIn(await backend.revokeAll({ user_id, reason: 'administrator' }, said));
  expect(await newestAct()).toMatchObject({
    type: 'user_signed_out',
    client_id: BACKEND.id,
    target: { id: user_id },
    reason: 'administrator',
    details: { operator: ADA, why: 'called us from Lima' },
  });
});

it('and of what is done to one session, beside what there is to say of the act itself', async () => {
  const { session } = valueIn(await backend.create({ user_id }));
  valueIn(await backend.revokeAll({ user_id, except: session.id }, { operator: ADA }));
  expect((await newestAct())?.details).toEqual({ operator: ADA, spared: 1 });
  nextSecond();
  valueIn(await backend.revokeSession({ session_id: session.id }, { operator: ADA }));
  expect(await newestAct()).toMatchObject({
    type: 'session_signed_out',
    details: { operator: ADA },
  });
});

it('an erasure takes the words about the person, and leaves who of the staff wrote them', async () => {
  valueIn(await backend.revokeAll({ user_id }, { operator: ADA, note: 'called us from Lima' }));
  nextSecond();
  valueIn(await backend.erase({ user_id }, { operator: ADA }));
  const { events } = valueIn(await backend.listAuditEvents({ limit: 2 }));
  expect(events.map(({ type, target, details }) => [type, target.id, details])).toEqual([
    ['user_erased', null, { operator: ADA }],
    ['user_signed_out', null, { operator: ADA }],
  ]);
});

it('a call that names nobody leaves the client alone', async () => {
  valueIn(await backend.revokeAll({ user_id }, { operator: null, note: null }));
  expect((await newestAct())?.details).toEqual({});
});

describe('is refused, and nothing is done,', () => {
  it.each<[string, object, string]>([
    ['a name of 255 characters', { operator: 'a'.repeat(255) }, 'operator'],
    ['an empty name', { operator: ' ' }, 'operator'],
    ['a name that is no text', { operator: 7 }, 'operator'],
    ['a name with what turns a text around', { operator: 'ada\u202e' }, 'operator'],
    ['a note of 201 characters', { note: 'a'.repeat(201) }, 'note'],
    ['a note of two lines', { note: 'a\nb' }, 'note'],
  ])('%s', async (_, said, field) => {
    const refusal = refusalOf(await backend.revokeAll({ user_id }, said));
    expect(refusal.code).toBe('invalid_request');
    expect(refusal.errors?.map((error) => error.field)).toEqual([field]);
    expect(valueIn(await backend.list({ user_id })).sessions).toHaveLength(1);
  });
});
