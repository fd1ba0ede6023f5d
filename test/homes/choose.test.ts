/** Which home is near, by what Cloudflare tells of a request (src/homes/regions.ts, choose.ts). */
import { describe, expect, it } from 'vitest';
import type { HomeConfig } from '../../src/config/homes';
import { chooseHome, chooseNextHome, pickByRendezvous } from '../../src/homes/choose';
import { rankRegions } from '../../src/homes/regions';

const place = (latitude: string, longitude: string, continent = 'EU') => ({
  latitude,
  longitude,
  continent,
});

describe('the nearest region', () => {
  it.each([
    ['Lisbon', place('38.72', '-9.14'), 'weur'],
    ['Bucharest', place('44.43', '26.10'), 'eeur'],
    ['Chicago', place('41.88', '-87.63', 'NA'), 'enam'],
    ['Vancouver', place('49.28', '-123.12', 'NA'), 'wnam'],
    ['São Paulo', place('-23.55', '-46.63', 'SA'), 'enam'],
    ['Lagos', place('6.52', '3.38', 'AF'), 'weur'],
    ['Mumbai', place('19.08', '72.88', 'AS'), 'apac'],
    ['Auckland', place('-36.85', '174.76', 'OC'), 'oc'],
    ['across the date line', place('21.31', '-157.86', 'OC'), 'wnam'],
  ])('of %s', (_, cf, region) => {
    expect(rankRegions(cf)?.[0]).toBe(region);
  });

  it.each([
    ['EU', 'weur'],
    ['NA', 'enam'],
    ['SA', 'enam'],
    ['AF', 'weur'],
    ['AS', 'apac'],
    ['OC', 'oc'],
  ])('of a continent alone: %s', (continent, region) => {
    expect(rankRegions({ continent })?.[0]).toBe(region);
    // Half of a point is none.
    expect(rankRegions({ continent, latitude: '10' })?.[0]).toBe(region);
  });

  it.each([
    null,
    {},
    { continent: 'T1' },
    { latitude: '91', longitude: '0' },
    { latitude: 'x', longitude: 'y' },
    { latitude: '', longitude: '' },
  ])('is unknown of %j', (cf) => {
    expect(rankRegions(cf)).toBeNull();
  });
});

describe('a home', () => {
  const home = (name: string, more: Partial<HomeConfig> = {}): [string, HomeConfig] => [
    name,
    { name, binding: null as never, regions: [], jurisdiction: null, newUsers: 'any', ...more },
  ];
  const paris = place('48.85', '2.35');

  it('of the next region is taken where the nearest has none', async () => {
    const homes = new Map([
      home('DB', { regions: ['oc'] }),
      home('DB_EEUR', { regions: ['eeur'] }),
    ]);
    expect(await chooseHome(homes, { subject: 'x', cf: paris })).toBe('DB_EEUR');
  });

  it('is the first that takes anyone where none has a region', async () => {
    const homes = new Map([
      home('DB', { newUsers: 'none' }),
      home('DB_A', { newUsers: 'named' }),
      home('DB_B'),
    ]);
    expect(await chooseHome(homes, { subject: 'x', cf: paris })).toBe('DB_B');
  });

  it('with a jurisdiction is drained only into its like', async () => {
    const eu = { regions: ['weur'], jurisdiction: 'eu' } as const;
    const homes = new Map([
      home('DB', { regions: ['weur'] }),
      home('DB_EU', eu),
      home('DB_EU2', { ...eu, regions: ['eeur'] }),
    ]);
    const from = homes.get('DB_EU') as HomeConfig;
    for (const subject of ['a', 'b', 'c', 'd'])
      expect(await chooseNextHome(homes, from, subject)).toBe('DB_EU2');
    homes.delete('DB_EU2');
    expect(await chooseNextHome(homes, from, 'a')).toBeNull();
  });

  it('is found by rendezvous alike whatever the order of names', async () => {
    for (let i = 0; i < 50; i += 1)
      expect(await pickByRendezvous(['DB', 'DB_A', 'DB_B'], String(i))).toBe(
        await pickByRendezvous(['DB_B', 'DB', 'DB_A'], String(i)),
      );
  });
});
