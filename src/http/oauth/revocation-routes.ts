/**
 * The revocation list, for anyone. An isolate asks the homes at most once in the list's own
 * `max-age`, however often it is asked itself, and reads only what has ended since.
 */
import type { Context } from 'hono';
import { tokenLifeSeconds } from '../../config/token-life';
import { queryAll } from '../../homes/query-all';
import type { Service } from '../../service/service';
import {
  type HashCache,
  toFormerDocument,
  toRevocationDocument,
} from '../../sessions/revocation-document';
import { type Revocations, readRevocations } from '../../sessions/revocation-list';
import { createSingleFlight } from '../../single-flight';
import type { AppEnv } from '../context';
import { Hono } from '../hono';
import { answerDocument, toEntityTag } from './public-document';

interface Document {
  text: string;
  tag: string;
}

/**
 * The documents that an isolate keeps. They are values, never promises, because a request cannot
 * await the promise of another one.
 */
interface Built {
  current: Document;
  /** Made on first need from `lists`. */
  former: Document | null;
  lists: readonly Revocations[];
  isComplete: boolean;
  hashes: HashCache;
  builtAt: number;
}

/** Even where no cache may keep the list: anyone can ask, and asking must not cost the homes. */
const MIN_KEPT_SECONDS = 1;

export function revocationRoutes(service: Service): Hono<AppEnv> {
  const { config, now } = service;
  const maxAge = config.revocationListMaxAgeSeconds;
  const keptFor = Math.max(maxAge, MIN_KEPT_SECONDS) * 1000;
  let built: Built | null = null;
  const flight = createSingleFlight<Built>();

  const routes = new Hono<AppEnv>();
  routes.get('/revocations', async (c) => {
    const list = await readList(c);
    return respond(c, list, list.current);
  });
  // For verifiers of the release before (docs/upgrading.md).
  routes.get('/revoked-sessions', async (c) => {
    const list = await readList(c);
    list.former ??= await toDocument(toFormerDocument(list.lists, list.isComplete));
    return respond(c, list, list.former);
  });
  return routes;

  async function readList(c: Context<AppEnv>): Promise<Built> {
    const ageMs = built === null ? Number.POSITIVE_INFINITY : Math.abs(now() - built.builtAt);
    // While one request asks the homes, the others answer with what there is, once over.
    if (built !== null && ageMs < keptFor * (flight.isBusy() ? 2 : 1)) return built;
    return flight.share(async () => {
      built = await build(c, now());
      return built;
    });
  }

  async function build(c: Context<AppEnv>, moment: number): Promise<Built> {
    const request = { tokenLifeSeconds: tokenLifeSeconds(config), now: moment };
    const known = new Map(built?.lists.map((list) => [list.home, list]));
    const { results, unavailable } = await queryAll(service.homes(c.get('caller')), (home) =>
      readRevocations(home, known.get(home.name) ?? null, request),
    );
    const lists = results.map(({ value }) => value);
    const isComplete = unavailable.length === 0;
    const { document, cache } = await toRevocationDocument(
      lists,
      { issuer: config.issuer, missing: unavailable, now: moment },
      built?.hashes ?? null,
    );
    return {
      current: await toDocument(document),
      former: null,
      lists,
      isComplete,
      hashes: cache,
      builtAt: moment,
    };
  }

  function respond(c: Context<AppEnv>, { builtAt }: Built, document: Document) {
    return answerDocument(c, document, {
      contentType: 'application/json',
      'Cache-Control': `public, max-age=${maxAge}`,
      // RFC 9111 §5.1: caches count from when the homes were asked, not from this answer.
      Age: String(Math.max(0, Math.floor((now() - builtAt) / 1000))),
      'Access-Control-Allow-Origin': '*',
    });
  }
}

async function toDocument(body: object): Promise<Document> {
  const text = JSON.stringify(body);
  return { text, tag: await toEntityTag(text) };
}
