/** What looks like someone else: realistic cases by name, and what holds for all. */
import { env } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/d1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { userSessions } from '../../src/db/schema';
import {
  assess,
  type Decision,
  type Level,
  looksLikeSameCaller,
  type Reason,
} from '../../src/risk/assess';
import { isUnremarkable, parseSignals, type Signals, toCompared } from '../../src/risk/signals';
import { parseUserAgent } from '../../src/risk/user-agent';
import { AT, type RawCaller, signalsOf, UA } from './callers';

const MINUTE = 60;
const HOUR = 3_600;
const NOW = Date.UTC(2026, 0, 15);

interface Case {
  from: RawCaller;
  to: RawCaller;
  /** Seconds between the two; an hour unless it matters. */
  after?: number;
  level: Level;
  reasons: Reason[];
}

const on = (userAgent: string, at: RawCaller, hints: string | null = null): RawCaller => ({
  userAgent,
  hints,
  ...at,
});
const chrome = (at: RawCaller) => on(UA.chrome(), at);
const phone = (at: RawCaller) => on(UA.iphone(), at);

const none = { level: 'none', reasons: [] as Reason[] } as const;
const low = (...reasons: Reason[]) => ({ level: 'low', reasons }) as const;
const medium = (...reasons: Reason[]) => ({ level: 'medium', reasons }) as const;
const high = (...reasons: Reason[]) => ({ level: 'high', reasons }) as const;
const FOREIGN = [
  'network_changed',
  'asn_changed',
  'country_changed',
  'moved_to_foreign_network',
] as const;

// biome-ignore format: a table
const CASES: Record<string, Case> = {
  // The same person at the same place.
  'nothing changed': { from: chrome(AT.home), to: chrome(AT.home), ...none },
  'nothing changed, in the same millisecond': { from: chrome(AT.home), to: chrome(AT.home), after: 0, ...none },
  'another address by DHCP': { from: chrome(AT.home), to: chrome(AT.homeAfterDhcp), ...none },
  'the line was reconnected: another network of the provider': { from: chrome(AT.home), to: chrome(AT.homeAfterReconnect), ...low('network_changed') },
  'IPv6 privacy address': { from: chrome(AT.homeIpv6), to: chrome(AT.homeIpv6Later), ...none },
  'IPv6, another subnet of the same site': { from: chrome(AT.homeIpv6), to: chrome(AT.homeIpv6OtherSubnet), ...none },
  'IPv4 one time, IPv6 the next': { from: chrome(AT.home), to: chrome(AT.homeIpv6), ...low('network_changed') },
  'HTTP/2 one time, HTTP/3 the next': { from: chrome(AT.home), to: chrome(AT.homeHttp3), ...none, reasons: ['transport_changed'] },
  'behind a proxy that speaks older HTTP and TLS': { from: chrome(AT.home), to: chrome(AT.homeHttp1), ...none, reasons: ['transport_changed'] },
  'the map of addresses was corrected': { from: chrome(AT.home), to: chrome(AT.homeCorrected), after: MINUTE, ...none },
  'a laptop that slept for a week': { from: chrome(AT.home), to: chrome(AT.home), after: 168 * HOUR, ...none },

  // Moving about.
  'phone: Wi-Fi to cellular': { from: phone(AT.home), to: phone(AT.cellular), after: MINUTE, ...low('network_changed', 'asn_changed') },
  'phone: cellular to Wi-Fi': { from: phone(AT.cellular), to: phone(AT.home), after: MINUTE, ...low('network_changed', 'asn_changed') },
  'phone: next cell of the carrier': { from: phone(AT.cellular), to: phone(AT.cellularNextCell), after: MINUTE, ...low('network_changed') },
  'phone: the carrier says another city': { from: phone(AT.cellular), to: phone(AT.cellularElsewhere), after: MINUTE, ...none },
  'phone: home Wi-Fi, then a carrier that says another city': { from: phone(AT.home), to: phone(AT.cellularElsewhere), after: MINUTE, ...low('network_changed', 'asn_changed') },
  'from home to the office': { from: chrome(AT.home), to: chrome(AT.office), ...low('network_changed', 'asn_changed') },
  'train from Paris to Lyon': { from: phone(AT.home), to: phone(AT.lyon), after: 2 * HOUR, ...low('network_changed', 'asn_changed') },
  'roaming with the same carrier': { from: phone(AT.cellular), to: phone(AT.roamingInMadrid), after: 3 * HOUR, ...medium('network_changed', 'country_changed') },
  'a flight to Madrid, then a hotel': { from: phone(AT.home), to: phone(AT.hotelInMadrid), after: 4 * HOUR, ...high(...FOREIGN) },
  'a flight to New York': { from: chrome(AT.home), to: chrome(AT.newYork), after: 9 * HOUR, ...high(...FOREIGN) },
  'a flight home': { from: chrome(AT.newYork), to: chrome(AT.home), after: 9 * HOUR, ...high(...FOREIGN) },

  // Relays, proxies and VPNs.
  'iCloud Private Relay is turned on': { from: phone(AT.home), to: phone(AT.relay), after: MINUTE, ...low('network_changed', 'asn_changed') },
  'iCloud Private Relay: another egress': { from: phone(AT.relay), to: phone(AT.relayLater), after: MINUTE, ...low('network_changed', 'asn_changed') },
  'VPN with an exit at home': { from: chrome(AT.home), to: chrome(AT.vpnAtHome), after: MINUTE, ...low('network_changed', 'asn_changed') },
  'VPN with an exit in the next country': { from: chrome(AT.home), to: chrome(AT.vpnAbroad), after: HOUR, ...high(...FOREIGN) },
  'VPN with an exit on another continent': { from: chrome(AT.home), to: chrome(AT.vpnFarAway), after: MINUTE, ...high(...FOREIGN, 'impossible_travel') },
  'VPN: from one exit to another of the same company': { from: chrome(AT.vpnAbroad), to: chrome(AT.vpnFarAway), after: MINUTE, ...high('network_changed', 'country_changed', 'impossible_travel') },
  'Tor': { from: chrome(AT.home), to: chrome(AT.tor), after: MINUTE, ...high(...FOREIGN) },

  // The browser.
  'browser updated itself': { from: on(UA.chrome(141), AT.home), to: on(UA.chrome(142), AT.home), ...none },
  'browser updated itself by many versions': { from: on(UA.firefox(128), AT.home), to: on(UA.firefox(144), AT.home), ...none },
  'browser updated itself, on another network': { from: on(UA.chrome(141), AT.home), to: on(UA.chrome(142), AT.office), ...low('network_changed', 'asn_changed') },
  'system update of a phone': { from: on(UA.iphone('18.6'), AT.home), to: on(UA.iphone('26.0'), AT.home), ...none },
  'app update': { from: on(UA.app(12), AT.cellular), to: on(UA.app(13), AT.cellularNextCell), ...low('network_changed') },
  'browser went back a version': { from: on(UA.chrome(142), AT.home), to: on(UA.chrome(141), AT.home), ...medium('browser_downgraded') },
  'browser went back a version, on another network': { from: on(UA.chrome(142), AT.home), to: on(UA.chrome(120), AT.office), ...medium('network_changed', 'asn_changed', 'browser_downgraded') },
  'browser went back a version, abroad': { from: on(UA.chrome(142), AT.home), to: on(UA.chrome(120), AT.hotelInMadrid), after: 5 * HOUR, ...high(...FOREIGN, 'browser_downgraded') },
  'another browser on the same machine': { from: chrome(AT.home), to: on(UA.edge(), AT.home), ...high('browser_changed') },
  'another browser and system on the same network': { from: chrome(AT.home), to: on(UA.firefox(), AT.home), ...high('browser_changed', 'platform_changed') },
  'Chrome to Safari on a Mac': { from: on(UA.chromeOnMac, AT.home), to: on(UA.safari, AT.home), ...high('browser_changed') },
  'Request desktop site': { from: on(UA.chromeOnAndroid(), AT.home), to: on(UA.chromeDesktopSite, AT.home), ...medium('platform_changed') },
  'Request desktop site, on cellular': { from: on(UA.chromeOnAndroid(), AT.home), to: on(UA.chromeDesktopSite, AT.cellular), ...high('network_changed', 'asn_changed', 'platform_changed', 'platform_changed_on_other_network') },
  'same browser, another system': { from: chrome(AT.home), to: on(UA.chromeOnMac, AT.home), ...medium('platform_changed') },
  'same browser, another system, another network': { from: chrome(AT.home), to: on(UA.chromeOnMac, AT.office), ...high('network_changed', 'asn_changed', 'platform_changed', 'platform_changed_on_other_network') },
  'the user agent is left out': { from: chrome(AT.home), to: { ...AT.home }, ...high('browser_changed', 'platform_changed') },
  'a user agent where there was none': { from: { ...AT.home }, to: chrome(AT.home), ...none },
  'empty user agent': { from: chrome(AT.home), to: on('', AT.home), ...high('browser_changed', 'platform_changed') },

  // Client Hints.
  'Client Hints as before': { from: on(UA.chrome(), AT.home, '"Windows"'), to: on(UA.chrome(142), AT.home, '"Windows"'), ...none },
  'Client Hints where there were none': { from: chrome(AT.home), to: on(UA.chrome(), AT.home, '"Windows"'), ...none },
  'a copied user agent, whose Client Hints say Linux': { from: on(UA.chrome(), AT.home, '"Windows"'), to: on(UA.chrome(), AT.home, '"Linux"'), ...medium('platform_changed') },
  'a copied user agent without Client Hints, from a datacentre': { from: on(UA.chrome(), AT.home, '"Windows"'), to: on(UA.chrome(), AT.datacentreInCountry), ...high('network_changed', 'asn_changed', 'platform_changed', 'platform_changed_on_other_network') },

  // Thieves.
  'stolen cookie on another continent, ten minutes later': { from: chrome(AT.home), to: chrome(AT.lima), after: 10 * MINUTE, ...high(...FOREIGN, 'impossible_travel') },
  'stolen cookie on another continent, a week later': { from: chrome(AT.home), to: chrome(AT.lima), after: 168 * HOUR, ...high(...FOREIGN) },
  'stolen cookie, with another browser on another continent': { from: chrome(AT.home), to: on(UA.firefox(), AT.lima), after: MINUTE, ...high(...FOREIGN, 'browser_changed', 'platform_changed', 'platform_changed_on_other_network', 'impossible_travel') },
  'headless browser on the same network (malware)': { from: chrome(AT.home), to: on(UA.headless, AT.home), ...high('browser_changed') },
  'script with a copied user agent, from a datacentre abroad': { from: chrome(AT.home), to: chrome(AT.datacentre), after: 2 * HOUR, ...high(...FOREIGN, 'transport_changed') },
  'script with a copied user agent, from a datacentre in the country': { from: chrome(AT.home), to: chrome(AT.datacentreInCountry), ...low('network_changed', 'asn_changed') },
  'curl on the same network': { from: chrome(AT.home), to: on(UA.curl, AT.home), ...high('browser_changed', 'platform_changed') },
  'python from a datacentre': { from: chrome(AT.home), to: on(UA.python, AT.datacentre), ...high(...FOREIGN, 'browser_changed', 'platform_changed', 'platform_changed_on_other_network', 'transport_changed') },
  'the app’s token in a browser': { from: on(UA.app(), AT.cellular), to: on(UA.chromeOnAndroid(), AT.cellular), ...high('browser_changed', 'platform_changed') },
  'the phone’s token on a laptop in the same house': { from: phone(AT.home), to: on(UA.chromeOnMac, AT.home), ...high('browser_changed', 'platform_changed') },
  'impossible travel with the same carrier': { from: phone(AT.cellular), to: phone({ ...AT.newYork, cf: { ...AT.newYork.cf, asn: 20810 } }), after: HOUR, ...high('network_changed', 'country_changed', 'impossible_travel') },
  'a clock that went back makes no one faster than light': { from: chrome(AT.home), to: chrome(AT.office), after: -HOUR, ...low('network_changed', 'asn_changed') },

  // What is not known.
  'no cf at all, before and after': { from: chrome(AT.homeWithoutCf), to: chrome(AT.homeWithoutCf), ...none },
  'no cf any more': { from: chrome(AT.home), to: chrome(AT.homeWithoutCf), ...none },
  'cf where there was none': { from: chrome(AT.homeWithoutCf), to: chrome(AT.home), ...none },
  'no cf, another network': { from: chrome(AT.homeWithoutCf), to: chrome(AT.otherWithoutCf), ...low('network_changed') },
  'country unknown': { from: chrome(AT.home), to: chrome(AT.homeOfUnknownCountry), ...none },
  'no address any more': { from: chrome(AT.home), to: chrome({ cf: AT.home.cf }), ...none },
  'an address where there was none': { from: chrome({ cf: AT.home.cf }), to: chrome(AT.home), ...none },
  'through another Worker, whose address says nothing': { from: chrome(AT.home), to: chrome({ ...AT.worker, cf: AT.home.cf }), ...none },
  'nothing at all': { from: {}, to: {}, ...none },
  'everything where there was nothing': { from: {}, to: on(UA.chrome(), AT.home, '"Windows"'), ...none },
  'nothing but an address, on local development': { from: on(UA.curl, AT.nowhere), to: on(UA.curl, AT.nowhere), ...none },
};

const DECISIONS: Record<Level, Record<'log' | 'notify' | 'reauthenticate' | 'revoke', Decision>> = {
  none: { log: 'allow', notify: 'allow', reauthenticate: 'allow', revoke: 'allow' },
  low: { log: 'log', notify: 'log', reauthenticate: 'log', revoke: 'log' },
  medium: { log: 'log', notify: 'notify', reauthenticate: 'notify', revoke: 'notify' },
  high: { log: 'log', notify: 'notify', reauthenticate: 'reauthenticate', revoke: 'revoke' },
};

const context = (after = HOUR, policy: 'log' | 'notify' | 'reauthenticate' | 'revoke' = 'log') => ({
  policy,
  seenAt: NOW - after * 1000,
  now: NOW,
});

describe('assessment', () => {
  it('has at least 60 cases', () => {
    expect(Object.keys(CASES).length).toBeGreaterThanOrEqual(60);
  });

  it.each(Object.entries(CASES))('%s', async (_, { from, to, after, level, reasons }) => {
    const [previous, current] = await Promise.all([signalsOf(from), signalsOf(to)]);
    const found = assess(previous, current, context(after));
    expect({ level: found.level, reasons: [...found.reasons].sort() }).toEqual({
      level,
      reasons: [...reasons].sort(),
    });
    for (const [policy, decision] of Object.entries(DECISIONS[level])) {
      expect([policy, assess(previous, current, context(after, policy as 'log')).decision]).toEqual(
        [policy, decision],
      );
    }
  });

  it('names what changed, from what to what', async () => {
    const [previous, current] = await Promise.all([
      signalsOf(chrome(AT.home)),
      signalsOf(on(UA.firefox(), AT.lima)),
    ]);
    expect(assess(previous, current, context()).changes).toEqual([
      { signal: 'network', from: '192.0.2.0/24', to: '198.18.30.0/24' },
      { signal: 'asn', from: 3215, to: 6147 },
      { signal: 'country', from: 'FR', to: 'PE' },
      { signal: 'browser', from: 'Chrome', to: 'Firefox' },
      { signal: 'platform', from: 'Windows', to: 'Linux' },
    ]);
  });

  it('says nothing of versions of different browsers', async () => {
    const [previous, current] = await Promise.all([
      signalsOf(chrome(AT.home)),
      signalsOf(on(UA.curl, AT.home)),
    ]);
    expect(assess(previous, current, context()).changes.map(({ signal }) => signal)).toEqual([
      'browser',
      'platform',
    ]);
  });

  it('without anything to compare with, allows', async () => {
    expect(assess(null, await signalsOf(chrome(AT.lima)), context())).toMatchObject({
      score: 0,
      decision: 'allow',
    });
  });
});

describe('looking like the same caller (design, section 3: lost answers)', () => {
  it.each([
    ['same place', chrome(AT.home), chrome(AT.homeAfterDhcp), true],
    ['another cell of the carrier', phone(AT.cellular), phone(AT.cellularNextCell), true],
    ['browser updated', on(UA.chrome(141), AT.home), on(UA.chrome(142), AT.home), true],
    ['another carrier', phone(AT.cellular), phone(AT.office), false],
    ['another browser on the same network', chrome(AT.home), on(UA.edge(), AT.home), false],
    ['another system on the same network', chrome(AT.home), on(UA.chromeOnMac, AT.home), false],
    ['no user agent on either side', { ...AT.home }, { ...AT.home }, false],
    ['nothing known of either network', on(UA.chrome(), {}), on(UA.chrome(), {}), false],
  ] as const)('%s: %s', async (_, from, to, expected) => {
    expect(
      looksLikeSameCaller(await signalsOf(from as RawCaller), await signalsOf(to as RawCaller)),
    ).toBe(expected);
  });
});

/** Whatever may arrive: real callers, mixed, and rubbish of every type. */
const anyText = fc.oneof(
  fc.constantFrom(
    UA.chrome(),
    UA.chrome(142),
    UA.firefox(),
    UA.iphone(),
    UA.curl,
    UA.app(),
    UA.headless,
  ),
  fc.string({ unit: 'binary', maxLength: 64 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => `${text}😀\ud800`),
  fc.constantFrom(
    'A'.repeat(10_240),
    `${'('.repeat(5_000)}${'/'.repeat(5_000)}`,
    '😀'.repeat(2_560),
    '\u0000',
    '\ufffd'.repeat(99),
  ),
);
const anyCf = fc.oneof(
  fc.constantFrom(...Object.values(AT).map(({ cf }) => cf)),
  fc.record(
    Object.fromEntries(
      [
        'asn',
        'country',
        'region',
        'city',
        'latitude',
        'longitude',
        'httpProtocol',
        'tlsVersion',
      ].map((name) => [
        name,
        fc.oneof(
          fc.anything(),
          fc.constantFrom(
            '48.9',
            '999',
            'FR',
            'XX',
            'T1',
            3215,
            Number.NaN,
            Number.POSITIVE_INFINITY,
          ),
        ),
      ]),
    ),
    { requiredKeys: [] },
  ),
);
const anyCaller: fc.Arbitrary<RawCaller> = fc.record({
  userAgent: fc.option(anyText),
  address: fc.option(
    fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom(...Object.values(AT).map(({ address }) => address)),
      anyText,
    ),
  ),
  hints: fc.option(fc.oneof(fc.constantFrom('"Windows"', '"Linux"', '?1'), anyText)),
  cf: anyCf,
});
const anySeconds = fc.integer({ min: -HOUR, max: 30 * 24 * HOUR });

describe('for all callers', () => {
  it('identical signals never alarm', async () => {
    await fc.assert(
      fc.asyncProperty(anyCaller, anySeconds, async (caller, after) => {
        const signals = await signalsOf(caller);
        expect(assess(signals, { ...signals }, context(after))).toMatchObject({
          score: 0,
          level: 'none',
          changes: [],
        });
      }),
      { numRuns: 500 },
    );
  });

  it('the score never falls when one more signal differs', async () => {
    const names = [
      'network',
      'asn',
      'country',
      'browser',
      'platform',
      'version',
      'hints',
      'transport',
    ] as const;
    await fc.assert(
      fc.asyncProperty(
        anyCaller,
        anyCaller,
        fc.subarray([...names]),
        fc.constantFrom(...names),
        anySeconds,
        async (one, other, some, more, after) => {
          const [from, to] = await Promise.all([signalsOf(one), signalsOf(other)]);
          const mix = (differing: readonly (keyof Signals)[]): Signals => ({
            ...from,
            // Places belong to networks.
            ...(differing.includes('network') && {
              latitude: to.latitude,
              longitude: to.longitude,
            }),
            ...Object.fromEntries(differing.map((name) => [name, to[name]])),
          });
          const score = (signals: Signals) => assess(from, signals, context(after)).score;
          expect(score(mix([...some, more]))).toBeGreaterThanOrEqual(score(mix(some)));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('nothing throws, and what is stored is well-formed and small, whatever arrives', async () => {
    await fc.assert(
      fc.asyncProperty(anyCaller, anyCaller, anySeconds, async (one, other, after) => {
        const [from, to] = await Promise.all([signalsOf(one), signalsOf(other)]);
        const stored = JSON.stringify(to);
        expect(stored.length).toBeLessThan(2_000);
        expect(stored.isWellFormed()).toBe(true);
        const { score } = assess(parseSignals(JSON.stringify(from)), to, context(after));
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        expect(typeof looksLikeSameCaller(from, to)).toBe('boolean');
      }),
      { numRuns: 1_000 },
    );
  });

  it('a user agent of 10 KB costs no more than one of 1 KB', () => {
    expect(parseUserAgent('Firefox/'.repeat(1_280))).toEqual(
      parseUserAgent('Firefox/'.repeat(128)),
    );
    expect(parseUserAgent(`${' '.repeat(10_000)}curl/8`)).toEqual({
      browser: null,
      platform: null,
      version: null,
    });
  });

  it.each([null, '', 'null', '[]', '{', '"text"', '{"asn":{}}', '{"version":"x"}'])(
    'stored signals %j are read',
    (json) => {
      expect(() =>
        assess(
          parseSignals(json),
          { ...(parseSignals('{}') as Signals), version: 1, asn: 1 },
          context(),
        ),
      ).not.toThrow();
    },
  );
});

describe('the condition in SQL', () => {
  it('never calls unremarkable what the assessment reports', async () => {
    const db = drizzle(env.DB);
    await env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens');
    const cases = await Promise.all(
      Object.values(CASES).map(
        async ({ from, to }) => [await signalsOf(from), await signalsOf(to)] as const,
      ),
    );
    const random = await fc.sample(fc.tuple(anyCaller, anyCaller), 150);
    const pairs = [
      ...cases,
      ...(await Promise.all(
        random.map(async ([one, other]) => [await signalsOf(one), await signalsOf(other)] as const),
      )),
    ];
    let unremarkable = 0;
    for (const [from, to] of pairs) {
      await db
        .insert(userSessions)
        .values({ id: 's', refreshToken: 'x', lastSignals: JSON.stringify(from) });
      const [row] = await db
        .select({ is: isUnremarkable(toCompared(to, { formerNetwork: null })) })
        .from(userSessions);
      await db.delete(userSessions);
      // An hour apart, and at once: no journey is possible in no time.
      for (const after of [HOUR, 0]) {
        const { level, reasons } = assess(from, to, context(after));
        if (row?.is === 1) expect({ from, to, level, reasons }).toMatchObject({ level: 'none' });
      }
      if (row?.is === 1) unremarkable += 1;
    }
    // It is of use: what the table calls nothing, it mostly finds.
    const quiet = Object.values(CASES).filter(({ level }) => level === 'none').length;
    expect(unremarkable).toBeGreaterThanOrEqual(quiet - 3);
  });

  it.each(['', '{', 'null', '[]'])(
    'a row whose signals are %j is remarkable to nobody, and breaks nothing',
    async (json) => {
      const db = drizzle(env.DB);
      await env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens');
      await db.insert(userSessions).values({ id: 's', refreshToken: 'x', lastSignals: json });
      const condition = isUnremarkable(
        toCompared(await signalsOf(chrome(AT.home)), { formerNetwork: null }),
      );
      expect(await db.select({ is: condition }).from(userSessions)).toEqual([{ is: 1 }]);
    },
  );
});
