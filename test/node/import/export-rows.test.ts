/**
 * Rows of exports in the forms that exports have. What cannot be read is left: it never stands for
 * what lets somebody in, like a session that does not end.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SYSTEMS } from '../../../src/cli/import/other-systems.ts';

const NOW = 1_769_860_800;
const DAY = 86_400;
const read = (system: string, row: Record<string, unknown>) =>
  SYSTEMS[system]?.read(row, { secret: null, userPath: 'user.id', now: NOW });
const digest = createHash('sha256').update('the-token').digest();
const hash = digest.toString('base64url');
const session = { token: 'x', id: 'x', sessionToken: 'x', userId: 'y', user_id: 'y' };

describe('of Lucia’s guides', () => {
  const guide = { user_id: '7', expires_at: NOW };

  it.each<[string, Record<string, unknown>]>([
    ['the hash of the whole token is the id', { id: digest.toString('hex') }],
    ['the hash of a secret is there as SQLite has it', { secret_hash: new Uint8Array(digest) }],
    ['as PostgreSQL writes it', { secret_hash: `\\x${digest.toString('hex')}` }],
    ['in base64', { secret_hash: digest.toString('base64') }],
    ['as JSON has a Buffer', { secret_hash: JSON.parse(JSON.stringify(digest)) }],
    ['as JSON has bytes', { secretHash: JSON.parse(JSON.stringify(new Uint8Array(digest))) }],
  ])('%s', (_, columns) => {
    expect(read('lucia', { id: 'public', ...guide, ...columns })).toMatchObject({
      tokenHash: hash,
    });
  });

  it.each<[string, unknown]>([
    ['is missing', null],
    ['is no hash', 'x'],
    ['is cut off', { type: 'Buffer', data: [1, 2, 3] }],
    ['is of what are no bytes', { type: 'Buffer', data: Array(32).fill('1') }],
  ])('a secret whose hash %s is left: the id, which is no secret, is no token', (_, value) => {
    const row = { id: 'public', ...guide, secret_hash: value };
    expect(read('lucia', row)).toEqual({ left: 'no_token_or_user' });
  });
});

it('of connect-redis has a key with a prefix, and a user where --user says', () => {
  const value = JSON.stringify({ cookie: { expires: null }, user: { id: 7 } });
  expect(read('express-session', { key: 'sess:the-token', value })).toMatchObject({
    tokenHash: hash,
    user: '7',
    expiresAt: null,
  });
});

it.each([
  ['2026-01-31 12:00:00.5+00', NOW],
  ['2026-01-31 14:00:00+02', NOW],
  ['2026-01-31T12:00:00.000Z', NOW],
  ['2026-01-31 12:00:00', NOW],
  [NOW, NOW],
  [1769860800123, NOW],
  ['1769860800123', NOW],
])('has times like %s', (expires, expected) => {
  expect(read('authjs', { ...session, expires })).toMatchObject({ expiresAt: expected });
});

describe('a session of which nobody can tell when it ends is left', () => {
  type Rows = readonly (readonly [system: string, row: Record<string, unknown>])[];
  const expectLeft = (rows: Rows) => {
    for (const [system, row] of rows)
      expect([system, read(system, row)]).toEqual([system, { left: 'no_expiry' }]);
  };
  const unreadable: unknown[] = ['', 'soon', { $date: '2020-01-01T00:00:00Z' }];
  const ofExpress = (cookie: object, row: object = {}) => ({
    sid: 'x',
    sess: { cookie, user: { id: 7 } },
    ...row,
  });

  it.each(
    ['Sat Jan 31 2026 12:00:00 GMT+0000 (Coordinated Universal Time)', null, ...unreadable].map(
      (time) => [time],
    ),
  )('%j', (time) => {
    expectLeft([
      ['better-auth', { ...session, expiresAt: time }],
      ['authjs', { ...session, expires: time }],
      ['lucia', { ...session, expires_at: time }],
    ]);
  });

  it.each(unreadable.map((time) => [time]))('%j, where none means that it does not end', (time) => {
    expectLeft([
      ['supabase', { ...session, not_after: time }],
      ['express-session', ofExpress({ expires: time })],
      ['express-session', ofExpress({}, { expire: time })],
    ]);
  });

  it('but of Supabase and express-session, whose sessions may have none', () => {
    expect(read('supabase', { ...session, not_after: null })).toMatchObject({ expiresAt: null });
    expect(read('express-session', ofExpress({ expires: null }))).toMatchObject({
      expiresAt: null,
    });
  });
});

it.each([
  ['text', 'z'],
  ['a number', 7],
  ['an id of another kind', { $oid: '65a1' }],
])('of staff who act as somebody is left, where the staff’s id is %s', (_, impersonatedBy) => {
  expect(read('better-auth', { ...session, expiresAt: NOW, impersonatedBy })).toEqual({
    left: 'impersonation',
  });
});

describe('an id that JSON has as', () => {
  const readAll = (json: string) => {
    const id: unknown = JSON.parse(json);
    const sess = { cookie: { expires: null }, user: { id } };
    return [
      read('authjs', { ...session, userId: id, expires: NOW }),
      read('express-session', { sid: 'x', sess }),
    ];
  };

  it('a number that is too large for one is left: it would be several people’s', () => {
    expect(JSON.parse('1234567890123456789')).toBe(JSON.parse('1234567890123456790'));
    expect(readAll('1234567890123456789')).toEqual([
      { left: 'no_token_or_user' },
      { left: 'nobody_signed_in' },
    ]);
  });

  it.each([['"1234567890123456789"'], ['9007199254740991']])('%s is brought as it is', (json) => {
    const user = json.replaceAll('"', '');
    expect(readAll(json)).toMatchObject([{ user }, { user }]);
  });
});

describe('of Supabase', () => {
  it.each([[true], [1], ['true'], ['t']])('a token that is revoked (%j) is left', (revoked) => {
    expect(read('supabase', { ...session, revoked })).toEqual({ left: 'revoked' });
  });

  it.each([[false], [0], ['f'], [null]])('one that is not (%j) is brought', (revoked) => {
    expect(read('supabase', { ...session, revoked })).toMatchObject({ user: 'y' });
  });

  it.each([['2026-02-01 12:00:00+00'], [NOW + DAY], ['infinity']])(
    'whoever is banned until %s is left',
    (banned_until) => {
      expect(read('supabase', { ...session, banned_until })).toEqual({ left: 'banned' });
    },
  );

  it('whoever was banned once, or never, is brought', () => {
    for (const banned_until of ['2026-01-30 12:00:00+00', null])
      expect(read('supabase', { ...session, banned_until })).toMatchObject({ user: 'y' });
  });

  it('the query of the docs has each column that decides', () => {
    const page = resolve(import.meta.dirname, '../../../docs/coming-from-elsewhere.md');
    const [query = ''] = /psql .*/.exec(readFileSync(page, 'utf8')) ?? [];
    for (const column of ['token', 'revoked', 'not_after', 'user_id', 'banned_until', 'deleted_at'])
      expect(query).toContain(column);
  });
});
