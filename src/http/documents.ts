/**
 * The description of the API (src/openapi/), for programs and, by a renderer, for people. All of it
 * is static assets.
 */
import type { Service } from '../service/service';
import type { AppContext, AppEnv } from './context';
import { ProblemError } from './errors';
import { Hono } from './hono';
import { findAsset } from './static-asset';

/** The renderer styles what it shows by itself, and its script is a file of this service. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function documentRoutes({ config, assets }: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const find = async (path: string, kind: string) => {
    const file = await findAsset(assets, path, kind);
    if (file === null) throw new ProblemError('not_found');
    return file;
  };

  routes.get('/openapi.json', async (c) => {
    const file = await find('openapi.json', 'json');
    // The host that stands for the issuer in the file; a URL has nothing that JSON escapes.
    const text = (await file.text()).replaceAll('https://sessions.example', config.issuer);
    return c.body(text, 200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'public, max-age=3600',
      'Access-Control-Allow-Origin': '*',
    });
  });

  const show = async (c: AppContext) => {
    const { body, headers } = await find(`docs/${c.req.param('file') ?? ''}`, 'text/');
    const file = new Response(body, { headers });
    file.headers.set('Content-Security-Policy', POLICY);
    return file;
  };
  routes.get('/docs', show);
  // A name alone: what is decoded of a path may lead out of the folder.
  routes.get('/docs/:file{[\\w.-]+}', show);
  return routes;
}
