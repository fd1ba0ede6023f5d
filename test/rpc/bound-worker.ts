/**
 * A Worker that is bound to the service three times: as a backend, as a client that acts for nobody
 * else, and without props. It answers with what the calls gave, by the package's own types. It is
 * built where the package is installed, so it imports nothing of this repository.
 */
import type { Answer, SessionsEntrypoint } from 'edge-sessions/rpc';

interface Env {
  SESSIONS: Service<SessionsEntrypoint>;
  STRANGER: Service<SessionsEntrypoint>;
  NOBODY: Service<SessionsEntrypoint>;
}

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const DEVICE = {
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  ip_address: '203.0.113.7',
  place: { country: 'DE', asn: 64500 },
};

function valueIn<Value>(answer: Answer<Value>): Value {
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  return answer.value;
}

const codeOf = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.code);

/** From its start to its end, as a backend that holds the tokens of its users. */
async function live({ SESSIONS }: Env) {
  const started = valueIn(await SESSIONS.create({ user_id: USER, amr: ['pwd'], ...DEVICE }));
  const { session } = started;
  const refreshed = valueIn(
    await SESSIONS.refresh({ refresh_token: started.refresh_token, ...DEVICE }),
  );
  const active = valueIn(await SESSIONS.introspect({ token: refreshed.access_token }));
  const steppedUp = valueIn(
    await SESSIONS.authenticate({
      session_id: session.id,
      refresh_token: refreshed.refresh_token,
      amr: ['hwk'],
    }),
  );
  const listed = await SESSIONS.list({ user_id: USER });
  const { sessions } = valueIn(listed);
  const { events } = valueIn(await SESSIONS.listEvents({ user_id: USER }));
  const ended = valueIn(await SESSIONS.revoke({ token: steppedUp.refresh_token }));
  const after = await SESSIONS.refresh({ refresh_token: steppedUp.refresh_token, ...DEVICE });
  return {
    device: session.device,
    address: session.ip_address,
    moved: refreshed.refresh_token !== started.refresh_token,
    active: active.active,
    amr: steppedUp.session.amr,
    listed: sessions.map(({ id }) => id === session.id),
    events: events.map(({ type }) => type),
    ended,
    after: after.ok ? 'ok' : [after.code, after.reason],
  };
}

/** What other bindings come to with the tokens of a session. */
async function touch({ SESSIONS, STRANGER, NOBODY }: Env) {
  const { session, access_token, refresh_token } = valueIn(
    await SESSIONS.create({ user_id: USER }),
  );
  const attempts = async (sessions: Service<SessionsEntrypoint>) => ({
    refresh: codeOf(await sessions.refresh({ refresh_token })),
    authenticate: codeOf(await sessions.authenticate({ session_id: session.id, refresh_token })),
    introspect: await sessions
      .introspect({ token: access_token })
      .then((answer) => (answer.ok ? answer.value : answer.code)),
    revoke: await sessions
      .revoke({ token: refresh_token })
      .then((answer) => (answer.ok ? answer.value : answer.code)),
    list: await sessions
      .list({ user_id: USER })
      .then((answer) => (answer.ok ? answer.value.sessions : answer.code)),
    revokeOwn: codeOf(await sessions.revokeOwn({ access_token })),
  });
  return {
    stranger: await attempts(STRANGER),
    nobody: await attempts(NOBODY),
    good: codeOf(await SESSIONS.refresh({ refresh_token })),
  };
}

/** An old token after the grace period, which is 0 here. */
async function steal({ SESSIONS }: Env) {
  const { refresh_token: stolen } = valueIn(await SESSIONS.create({ user_id: USER }));
  const own = valueIn(await SESSIONS.refresh({ refresh_token: stolen }));
  const thief = await SESSIONS.refresh({ refresh_token: stolen });
  const owner = await SESSIONS.refresh({ refresh_token: own.refresh_token });
  return [thief, owner].map((answer) => (answer.ok ? 'ok' : [answer.code, answer.reason]));
}

/** The entrypoint takes calls alone. */
function requestByHttp({ SESSIONS }: Env): Promise<string> {
  return SESSIONS.fetch('https://sessions.example/healthz').then(
    ({ status }) => `answered ${status}`,
    (error: Error) => error.message,
  );
}

/** What is there to be called beside the calls, by names that the class or its platform has. */
async function reachOthers({ SESSIONS }: Env): Promise<string[]> {
  const names = ['scheduled', 'queue', 'tail', 'email', 'trace', 'test', 'env', 'ctx'];
  names.push('calls', '_calls', '#calls', 'service', 'prototype', 'value', 'toJSON');
  const all = SESSIONS as unknown as Record<string, () => Promise<unknown>>;
  const reached = names.map(async (name) => {
    const called = Promise.resolve(all[name]?.());
    return called.then(
      () => [name],
      () => [],
    );
  });
  return (await Promise.all(reached)).flat();
}

/** RPC carries more than JSON. None of it may be left out without a word. */
async function sendMore({ SESSIONS }: Env): Promise<string[]> {
  const create = SESSIONS.create as unknown as (input: unknown) => Promise<Answer<unknown>>;
  const inputs = [
    { user_id: () => USER },
    { user_id: USER, expires_in: Number.NaN },
    new Map([['user_id', USER]]),
    new Headers(),
    SESSIONS,
  ];
  const codes: string[] = [];
  for (const input of inputs) codes.push(codeOf(await create(input)));
  return codes;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case '/live':
        return Response.json(await live(env));
      case '/touch':
        return Response.json(await touch(env));
      case '/steal':
        return Response.json(await steal(env));
      case '/others':
        return Response.json({ reached: await reachOthers(env), more: await sendMore(env) });
      case '/fetch':
        return Response.json(await requestByHttp(env));
      default:
        return new Response(null, { status: 404 });
    }
  },
};
