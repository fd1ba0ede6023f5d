/**
 * The service over a D1 that is asked once for each transaction, by its SQL, and answers the same
 * ever after, so that what is measured is the Worker's own work. Beside it a resource server, with
 * the package's verifier and its revocation list.
 */
import { type AccessTokenVerifier, createAccessTokenVerifier } from '../../src/client/verify';
import type { Bindings } from '../../src/env';
import service from '../../src/index';

interface Statement {
  sql: string;
  params: unknown[];
}

const answers = new Map<string, D1Result[]>();

function stub(binding: D1Database): D1Database {
  const prepare = (sql: string, params: unknown[] = []) => ({
    sql,
    params,
    bind: (...values: unknown[]) => prepare(sql, values),
  });
  const ask = async (statements: readonly Statement[]) => {
    const asked = statements.map(({ sql, params }) => binding.prepare(sql).bind(...params));
    const results = await binding.withSession('first-primary').batch(asked);
    // The local D1 does not say who served; in production without replicas it is the primary.
    return results.map((result) => ({
      ...result,
      meta: { ...result.meta, served_by_primary: true },
    }));
  };
  const batch = async (statements: readonly Statement[]) => {
    const asked = statements.map(({ sql }) => sql).join(';');
    const known = answers.get(asked);
    if (known !== undefined) return structuredClone(known);
    const results = await ask(statements);
    answers.set(asked, results);
    return results;
  };
  const withSession = () => ({ batch, getBookmark: () => null });
  return { prepare, withSession } as unknown as D1Database;
}

let stubbed: Bindings | null = null;
let verifier: AccessTokenVerifier | null = null;

export default {
  fetch: async (request, env, ctx) => {
    stubbed ??= { ...env, DB: stub(env.DB) };
    const bindings = stubbed;
    if (!request.url.endsWith('/bench/verify')) return service.fetch(request, bindings, ctx);
    verifier ??= createAccessTokenVerifier({
      issuer: `${env.ISSUER}`,
      audience: `${env.AUDIENCE}`,
      revocations: {},
      fetch: async (...asked) => {
        const own = new Request(...asked) as typeof request;
        return service.fetch(own, bindings, ctx);
      },
    });
    const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    const verdict = await verifier.verify(token);
    return new Response(verdict.ok ? verdict.claims.sub : verdict.error, {
      status: verdict.ok ? 200 : 401,
    });
  },
} satisfies ExportedHandler<Bindings>;
