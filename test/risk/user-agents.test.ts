/**
 * What real user agents are read as (risk/user-agents.txt): an update of an app or of a system is
 * nothing, and a person finds their device by its name.
 */
import { env } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/d1';
import { beforeAll, describe, expect, it } from 'vitest';
import { userSessions } from '../../src/db/schema';
import { assess, looksLikeSameCaller } from '../../src/risk/assess';
import { isUnremarkable, toCompared } from '../../src/risk/signals';
import { describeDevice, parseUserAgent } from '../../src/risk/user-agent';
import { AT, signalsOf } from './callers';

const { './user-agents.txt': list = '' } = import.meta.glob('./*.txt', {
  query: '?raw',
  eager: true,
  import: 'default',
});

interface Pair {
  device: string;
  before: string;
  after: string;
}

/** A line that is not indented names the device of the two below it. */
function readPairs(): Pair[] {
  const lines = list.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const pairs: Pair[] = [];
  for (let index = 0; index < lines.length; index += 3) {
    const [device, before, after] = lines.slice(index, index + 3) as [string, string, string];
    expect([device, before, after].map((line) => /^ {2}\S/.test(line))).toEqual([
      false,
      true,
      true,
    ]);
    pairs.push({ device, before: before.trim(), after: after.trim() });
  }
  return pairs;
}

const pairs = readPairs();
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 15);
const at = (userAgent: string) => signalsOf({ userAgent, ...AT.home });

describe('the list', () => {
  it('has at least 200 user agents, each in two versions', () => {
    expect(new Set(pairs.flatMap(({ before, after }) => [before, after])).size).toBeGreaterThan(
      400,
    );
  });
});

describe('an update of the app or the system', () => {
  it.each(pairs)('$device: keeps its name, and is no event ($after)', async (pair) => {
    const { device, before, after } = pair;
    expect([before, after].map((text) => describeDevice(parseUserAgent(text)))).toEqual([
      device,
      device,
    ]);
    const [from, to] = await Promise.all([at(before), at(after)]);
    expect(assess(from, to, { policy: 'revoke', seenAt: NOW - HOUR, now: NOW })).toMatchObject({
      level: 'none',
      reasons: [],
      changes: [],
    });
    // Whoever comes back for a lost answer (refresh-case.ts) is known.
    expect(looksLikeSameCaller(from, to)).toBe(true);
  });

  const db = drizzle(env.DB);
  beforeAll(() => env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens'));

  it('is unremarkable in SQL, too: a refresh stays one round trip', async () => {
    for (const { before, after } of pairs) {
      const [from, to] = await Promise.all([at(before), at(after)]);
      await db
        .insert(userSessions)
        .values({ id: 's', refreshToken: 'x', lastSignals: JSON.stringify(from) });
      const [row] = await db
        .select({ is: isUnremarkable(toCompared(to, { formerNetwork: null })) })
        .from(userSessions);
      await db.delete(userSessions);
      expect({ after, is: row?.is }).toEqual({ after, is: 1 });
    }
  });
});

describe('another app', () => {
  it.each([
    [
      'another one of the same system',
      'My%20App/42 CFNetwork/1408.0.4 Darwin/22.5.0',
      'My%20Bank/42 CFNetwork/1408.0.4 Darwin/22.5.0',
    ],
    [
      'another one on Android',
      'Bullhorn/2.14 (Linux;Android 14) ExoPlayerLib/2.17.1',
      'CastBox/2.14 (Linux;Android 14) ExoPlayerLib/2.17.1',
    ],
    [
      'another one made of Electron',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) discord/1.0 Chrome/91.0 Electron/13.4.0 Safari/537.36',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Teams/1.0 Chrome/91.0 Electron/13.4.0 Safari/537.36',
    ],
    [
      'the same name without its word behind',
      'Podcat/1 CFNetwork/976 Darwin/18.2.0',
      'Podcat%202/1 CFNetwork/976 Darwin/18.2.0',
    ],
    [
      'one whose name holds a system’s',
      'COAF%20SMART%20Citizen/3331 CFNetwork/1206 Darwin/20.1.0',
      'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36',
    ],
  ])('%s is another', async (_, one, other) => {
    const { reasons } = assess(await at(one), await at(other), {
      policy: 'log',
      seenAt: NOW - HOUR,
      now: NOW,
    });
    expect(reasons).toContain('browser_changed');
  });
});

describe('a name', () => {
  it.each([
    ['is decoded once', 'A%2525B/1', 'A%25B'],
    ['stays as it is where the escapes are none', '100% Fit/12', '100% Fit'],
    ['stays as it is where they are no UTF-8', '%FF%FE/1', '%FF%FE'],
    ['has no line ends and no control characters', 'A%0D%0AB%00C%1B/1', 'ABC'],
    ['has no characters that turn or hide others', '%E2%80%AEgnp.exe%E2%80%8B/1', 'gnp.exe'],
    ['is no longer than 64 characters', `${'%C3%BC'.repeat(100)}/1`, 'ü'.repeat(64)],
    ['is not markup that a page would run', '%3Cscript%3E/1', '<script>'],
    ['is what is there where there is only punctuation', '((', null],
  ])('%s', (_, userAgent, name) => {
    expect(parseUserAgent(userAgent).browser).toBe(name);
  });
});

describe('what was parsed', () => {
  const agent = (number: number) =>
    `Mozilla/5.0 (X11; Linux x86_64; rv:${number}.0) Firefox/${number}.0`;

  it('is remembered, and nobody who is given it can change it', () => {
    const first = parseUserAgent(agent(1));
    expect(parseUserAgent(agent(1))).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
  });

  it('is forgotten after 256 others, so that whoever sends what fills no isolate', () => {
    const first = parseUserAgent(agent(1));
    for (let number = 2; number < 258; number += 1) parseUserAgent(agent(number));
    expect(parseUserAgent(agent(1))).not.toBe(first);
    expect(parseUserAgent(agent(1))).toEqual(first);
  });
});
