/** How the pages for people look. */
import type { Env } from '../env';
import { isTrustworthy } from '../origins';

export interface Brand {
  name: string;
  logoUrl: URL | null;
  /** `#rrggbb` */
  color: string;
}

export function parseBrand(
  { BRAND_NAME, BRAND_LOGO_URL, BRAND_COLOR }: Env,
  mistakes: string[],
): Brand {
  const logoUrl = BRAND_LOGO_URL ? URL.parse(BRAND_LOGO_URL) : null;
  if (
    BRAND_LOGO_URL &&
    (logoUrl === null || !isTrustworthy(logoUrl) || logoUrl.username || logoUrl.password)
  )
    mistakes.push('BRAND_LOGO_URL must be an https URL without credentials');
  const name = BRAND_NAME || 'Your account';
  if (name.length > 64) mistakes.push('BRAND_NAME must have at most 64 characters');
  const color = BRAND_COLOR || '#1f4fd8';
  if (!/^#[0-9a-f]{6}$/i.test(color)) mistakes.push('BRAND_COLOR must be a colour like #1f4fd8');
  return { name, logoUrl, color };
}
