/** Checks what the service shows to everybody, and to its operator. */
import { reach } from '../reach-url.ts';
import { about, type Finding } from './finding.ts';
import { checkHomes } from './home-checks.ts';
import { type Patient, readEntries } from './patient.ts';

const TIMEOUT_MS = 10_000;
/** Tokens are taken for as long around their times (src/config/token-life.ts). */
const CLOCK_SKEW_SECONDS = 30;

interface Health {
  status: string;
  refused_clients?: number;
  database_unavailable?: boolean;
  cron_late?: boolean;
  last_cleanup_at?: string | null;
}

/** Checks a service. Where it does not answer, that is the only finding. */
export async function checkService(patient: Patient): Promise<Finding[]> {
  const { ok, problem } = about('service');
  const { service, environment } = patient;
  if (service === '')
    return [problem('nobody knows where it is', `set ISSUER in ${environment.file.name}`)];
  let response: Response;
  const asked = Date.now();
  try {
    response = await get(`${service}/healthz`);
  } catch (error) {
    return [
      problem(
        (error as Error).message,
        patient.isLocal ? 'start it: npm run dev' : 'deploy it: edge-sessions deploy',
      ),
    ];
  }
  if (!response.ok)
    return [
      problem(
        `${service}/healthz answered ${response.status}`,
        'npx wrangler tail shows why; a variable or secret that is missing is named there',
      ),
    ];
  const health = (await response.json().catch(() => null)) as Health | null;
  if (health?.status === undefined)
    return [
      problem(
        `${service}/healthz is answered by something else`,
        'set ISSUER to where the service is, and let nothing before it answer in its place',
      ),
    ];
  return [
    ok(`${service} answers`),
    ...checkHealth(health),
    checkClock(patient, response, asked),
    await checkIssuer(patient),
    ...(await checkKeys(patient)),
    ...(await checkHomes(patient)),
    ...(await checkOrigins(patient)),
  ];
}

const get = (url: string, init: RequestInit = {}) =>
  reach(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });

function checkHealth(health: Health): Finding[] {
  const service = about('service');
  const cron = about('cron');
  const findings: Finding[] = [];
  if (health.refused_clients)
    findings.push(
      service.problem(
        `${health.refused_clients} client${health.refused_clients === 1 ? ' is' : 's are'} refused for a mistake in CLIENTS`,
        'the log names it (client_refused): npx wrangler tail',
      ),
    );
  if (health.database_unavailable)
    findings.push(
      service.problem(
        'its database does not answer',
        'https://www.cloudflarestatus.com, and the log',
      ),
    );
  const { last_cleanup_at: ran, cron_late: isLate } = health;
  if (isLate)
    findings.push(
      cron.problem(
        `it last ran ${ran === null || ran === undefined ? 'never' : `at ${ran}`}`,
        'look at the Worker’s Cron Triggers in Cloudflare’s dashboard, and at the log for `scheduled`',
      ),
    );
  else if (ran === undefined || ran === null)
    findings.push(
      cron.note('it has not run yet', 'it runs within a quarter of an hour of a deployment'),
    );
  else findings.push(cron.ok(`it last ran at ${ran}`));
  return findings;
}

/**
 * Compares the clocks: the time in the answer, which is in whole seconds, with the middle of the
 * time that the request took.
 */
function checkClock({ isLocal }: Patient, response: Response, asked: number): Finding {
  const { ok, problem, skipped } = about('clock');
  if (isLocal) return ok('it is this machine’s');
  const there = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(there)) return skipped('the answer has no Date');
  const here = (asked + Date.now()) / 2;
  const seconds = Math.round((here - there) / 1000);
  const text = `this machine’s is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} the service’s`;
  return Math.abs(seconds) <= CLOCK_SKEW_SECONDS
    ? ok(text)
    : problem(text, 'set it by NTP: backends’ auth_time, and tokens that they verify, go by it');
}

async function checkIssuer({ service, vars, isLocal }: Patient): Promise<Finding> {
  const { ok, problem } = about('metadata');
  const { origin, pathname } = new URL(service);
  const path = pathname === '/' ? '' : pathname;
  const url = `${origin}/.well-known/oauth-authorization-server${path}`;
  const metadata = await readJson<{ issuer?: string }>(url);
  // `npm start` moves the issuer to where the service is on this machine.
  const written = isLocal ? service : String(vars.ISSUER ?? '');
  // The service has it in the form that URL parsers give it.
  const issuer = (URL.parse(written)?.href ?? written).replace(/\/+$/, '');
  return metadata?.issuer === issuer
    ? ok(`it calls itself ${issuer}`)
    : problem(
        `${url} says ${metadata?.issuer ?? 'nothing'}, and ISSUER is ${issuer}`,
        'deploy what the settings say; verifiers refuse tokens of another issuer',
      );
}

async function checkKeys({ service, ask }: Patient): Promise<Finding[]> {
  const { ok, problem, note } = about('keys');
  const { keys = [] } =
    (await readJson<{ keys?: unknown[] }>(`${service}/.well-known/jwks.json`)) ?? {};
  if (keys.length === 0)
    return [
      problem('its JWKS has none', 'the log says why; the first one is made by the first request'),
    ];
  const published = `${keys.length} ${keys.length === 1 ? 'is' : 'are'} published`;
  if (ask === null) return [ok(published)];
  const listed = await ask<{ keys: { state: string }[] }>('GET', '/v1/signing-keys').catch(
    (error: Error) => error,
  );
  if (listed instanceof Error) return [ok(published), note(listed.message)];
  const signing = listed.keys.filter(({ state }) => state === 'signing').length;
  return signing === 1
    ? [ok(`${published}, and one signs`)]
    : [problem(`${signing} sign`, 'edge-sessions keys list; the cron makes the next one')];
}

/** Whether pages of each origin may read what the service answers. */
async function checkOrigins({ service, vars }: Patient): Promise<Finding[]> {
  const { ok, problem } = about('CORS');
  const origins = readEntries(vars, 'CLIENTS')
    .flatMap((client) => ((client as { origins?: unknown } | null)?.origins as string[]) ?? [])
    .filter((origin) => typeof origin === 'string' && !origin.includes('*'));
  const findings = [...new Set(origins)].map(async (origin) => {
    const response = await get(`${service}/oauth/token`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    const allowed = response.headers.get('access-control-allow-origin');
    return allowed === origin
      ? ok(`${origin} may read the answers`)
      : problem(
          `${origin} may not read the answers: they allow ${allowed ?? 'nobody'}`,
          'deploy what the settings say; and let no proxy before the service change OPTIONS',
        );
  });
  return Promise.all(findings);
}

async function readJson<T>(url: string): Promise<T | null> {
  try {
    const response = await get(url);
    return response.ok ? ((await response.json()) as T) : null;
  } catch {
    return null;
  }
}
