/**
 * `npm run latency`: how long a refresh waits for its database from twelve cities, with one home
 * and with six. One round trip, because a refresh is one, between the Worker, which runs in the
 * city, and the home that the service itself chooses for the city.
 *
 * The round-trip times are those that Microsoft publishes between its regions (95th percentile of
 * July 2026, milliseconds: learn.microsoft.com/azure/networking/azure-network-latency), which stand
 * for Cloudflare's: each city is the region in or near it, each D1 location hint one region of that
 * part of the world.
 */
import { bundleModule } from './bundle-client.ts';

/**
 * West US, East US, West Europe (Amsterdam), Poland Central (Warsaw), Southeast Asia (Singapore),
 * Australia East (Sydney).
 */
const HOMES = ['wnam', 'enam', 'weur', 'eeur', 'apac', 'oc'] as const;

type Region = (typeof HOMES)[number];
const code = Buffer.from(await bundleModule('src/homes/regions.ts')).toString('base64');
const { rankRegions } = (await import(`data:text/javascript;base64,${code}`)) as {
  rankRegions(cf: Record<string, string>): [Region, ...Region[]];
};

const CITIES: { city: string; at: [latitude: number, longitude: number]; ms: readonly number[] }[] =
  [
    { city: 'Seattle', at: [47.6, -122.3], ms: [25, 76, 147, 167, 165, 179] },
    { city: 'Toronto', at: [43.7, -79.4], ms: [70, 21, 92, 114, 226, 207] },
    { city: 'Querétaro', at: [20.6, -100.4], ms: [53, 66, 145, 162, 221, 184] },
    { city: 'São Paulo', at: [-23.5, -46.6], ms: [170, 121, 191, 211, 337, 298] },
    { city: 'London', at: [51.5, -0.1], ms: [144, 80, 12, 34, 183, 277] },
    { city: 'Paris', at: [48.9, 2.4], ms: [152, 90, 15, 33, 176, 279] },
    { city: 'Stockholm', at: [59.3, 18.1], ms: [168, 108, 31, 28, 206, 303] },
    { city: 'Johannesburg', at: [-26.2, 28.0], ms: [278, 225, 171, 198, 211, 348] },
    { city: 'Dubai', at: [25.2, 55.3], ms: [257, 191, 124, 138, 87, 182] },
    { city: 'Pune', at: [18.5, 73.9], ms: [224, 218, 153, 169, 59, 152] },
    { city: 'Tokyo', at: [35.7, 139.7], ms: [109, 165, 242, 260, 74, 105] },
    { city: 'Melbourne', at: [-37.8, 145.0], ms: [152, 217, 292, 307, 90, 17] },
  ];
/** Where a database is made that nobody says anything of, say. */
const ONLY = 'enam';

const rows = CITIES.map(({ city, at: [latitude, longitude], ms }) => {
  const to = (home: Region) => ms[HOMES.indexOf(home)] as number;
  const [home] = rankRegions({ latitude: String(latitude), longitude: String(longitude) });
  return {
    city,
    'one home': to(ONLY),
    'six homes': to(home),
    home,
    'nearest there is': Math.min(...ms),
  };
});
console.table(rows);
for (const column of ['one home', 'six homes'] as const) {
  const sorted = rows.map((row) => row[column]).sort((a, b) => a - b);
  const mean = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
  console.log(
    `${column}: mean ${Math.round(mean)} ms, median ${Math.round(((sorted[5] as number) + (sorted[6] as number)) / 2)} ms, worst ${sorted.at(-1)} ms`,
  );
}
