/** Ranks D1's regions by their distance from the place of a request, as `request.cf` tells it. */
import { REGIONS, type Region } from '../config/homes';
import { type Coordinates, distanceKm } from '../distance';

/** Where D1 runs a database of each location hint: cities of Cloudflare's Durable Objects. */
const CITIES: Record<Region, readonly Coordinates[]> = {
  wnam: [at(37.4, -121.9), at(47.6, -122.3), at(34.1, -118.2)],
  enam: [at(39.0, -77.5), at(41.9, -87.7), at(40.7, -74.0)],
  weur: [
    at(43.3, 5.4),
    at(40.4, -3.7),
    at(51.5, -0.1),
    at(48.9, 2.4),
    at(52.4, 4.9),
    at(50.1, 8.7),
  ],
  eeur: [at(52.2, 21.0), at(48.2, 16.4), at(50.1, 14.4)],
  apac: [at(1.4, 103.8), at(35.7, 139.7), at(22.3, 114.2)],
  oc: [at(-33.9, 151.2), at(-37.8, 145.0)],
};

/** Where most of a continent's people reach Cloudflare, for requests without coordinates. */
const CONTINENTS: Record<string, Coordinates> = {
  AF: at(9.1, 7.4),
  AS: at(22.3, 114.2),
  EU: at(50.1, 8.7),
  NA: at(39.0, -84.5),
  OC: at(-33.9, 151.2),
  SA: at(-23.5, -46.6),
};

/** The regions, nearest first; null when the request tells nothing of its place. */
export function rankRegions(cf: Record<string, unknown> | null): readonly Region[] | null {
  const place = toCoordinates(cf);
  return place && rankFrom(place);
}

/** The regions, nearest first, as seen from one of them. */
export function rankRegionsFrom(region: Region): readonly Region[] {
  return rankFrom(CITIES[region][0] as Coordinates);
}

function rankFrom(place: Coordinates): readonly Region[] {
  const distance = (region: Region) =>
    Math.min(...CITIES[region].map((city) => distanceKm(place, city)));
  return REGIONS.map((region) => ({ region, km: distance(region) }))
    .sort((a, b) => a.km - b.km)
    .map(({ region }) => region);
}

function toCoordinates(cf: Record<string, unknown> | null): Coordinates | null {
  const [latitude, longitude] = [toDegrees(cf?.latitude, 90), toDegrees(cf?.longitude, 180)];
  if (latitude !== null && longitude !== null) return at(latitude, longitude);
  return CONTINENTS[String(cf?.continent)] ?? null;
}

/** Cloudflare writes coordinates as text. */
function toDegrees(value: unknown, most: number): number | null {
  const degrees = typeof value === 'string' && value !== '' ? Number(value) : Number.NaN;
  return Math.abs(degrees) <= most ? degrees : null;
}

function at(latitude: number, longitude: number): Coordinates {
  return { latitude, longitude };
}
