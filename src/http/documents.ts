/** The description of the API (src/openapi/), which is a static asset. */
import type { Service } from '../service/service';
import type { AppContext } from './context';
import { ProblemError } from './errors';
import { findAsset } from './static-asset';

export function openApi({ config, assets }: Service) {
  return async function answerOpenApi(c: AppContext): Promise<Response> {
    const file = await findAsset(assets, 'openapi.json', 'json');
    if (file === null) throw new ProblemError('not_found');
    // The host that stands for the issuer in the file; a URL has nothing that JSON escapes.
    const text = (await file.text()).replaceAll('https://sessions.example', config.issuer);
    return c.body(text, 200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'public, max-age=3600',
      'Access-Control-Allow-Origin': '*',
    });
  };
}
