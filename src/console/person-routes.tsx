/** Finding people and sessions, seeing them, and ending their sessions. */
import { Hono } from 'hono';
import { readAct } from './act-check';
import {
  asOperator,
  type ConsoleAppEnv,
  type ConsoleContext,
  countIn,
  show,
} from './console-context';
import { FindPage } from './find-page';
import { BASE } from './frame';
import { EndAllPage, PersonPage } from './person-page';
import { valueIfThere, valueIn, valueUnlessGone } from './refused-call';
import { EndSessionPage, SessionDetailPage } from './session-page';

export const personRoutes = new Hono<ConsoleAppEnv>();

const UUID = '[0-9a-fA-F-]{36}';

personRoutes.get('/find', async (c) => {
  const { id, issuer, subject } = c.req.query();
  const viewer = c.get('viewer');
  if (issuer !== undefined && subject !== undefined) {
    const found = valueIfThere(await c.env.SESSIONS.findUser({ issuer, subject }, asOperator(c)));
    if (found !== null) return c.redirect(`${BASE}/people/${found.user.id}`, 303);
    const problem = 'Nobody is known by this name.';
    return show(c, <FindPage viewer={viewer} asked={{ issuer, subject }} problem={problem} />, 404);
  }
  if (id === undefined) return show(c, <FindPage viewer={viewer} />);
  const wanted = id.trim().toLowerCase();
  const session = valueIfThere(
    await c.env.SESSIONS.getSession({ session_id: wanted }, asOperator(c)),
  );
  if (session !== null) return c.redirect(`${BASE}/sessions/${session.session.id}`, 303);
  if ((await readPerson(c, wanted)) !== null) return c.redirect(`${BASE}/people/${wanted}`, 303);
  const problem = 'No user and no session has this id, or none that is kept.';
  return show(c, <FindPage viewer={viewer} asked={{ id }} problem={problem} />, 404);
});

personRoutes.get(`/people/:id{${UUID}}`, async (c) => {
  const id = c.req.param('id').toLowerCase();
  const person = await readPerson(c, id, c.req.query('cursor') ?? null);
  if (person === null) return c.notFound();
  return show(
    c,
    <PersonPage viewer={c.get('viewer')} id={id} {...person} ended={countIn(c, 'ended')} />,
  );
});

/** null: nothing is kept of them. `cursor` is of their history. */
async function readPerson(c: ConsoleContext, id: string, cursor: string | null = null) {
  const { SESSIONS } = c.env;
  const [listed, logged] = await Promise.all([
    SESSIONS.list({ user_id: id, include: 'ended', limit: 100 }, asOperator(c)),
    SESSIONS.listEvents({ user_id: id, limit: 50, cursor }, asOperator(c)),
  ]);
  const sessions = valueIfThere(listed);
  const events = valueIfThere(logged);
  if (sessions === null || events === null) return null;
  const isNothing = sessions.sessions.length === 0 && events.events.length === 0;
  return isNothing && cursor === null ? null : { sessions, events };
}

personRoutes.get(`/people/:id{${UUID}}/end`, (c) =>
  show(c, <EndAllPage viewer={c.get('viewer')} id={c.req.param('id').toLowerCase()} />),
);

personRoutes.post(`/people/:id{${UUID}}/end`, async (c) => {
  const act = await readAct(c);
  if (!act.ok) return act.response;
  const id = c.req.param('id').toLowerCase();
  const { revoked } = valueIn(
    await c.env.SESSIONS.revokeAll({ user_id: id, reason: act.reason }, asOperator(c, act.note)),
  );
  return c.redirect(`${BASE}/people/${id}?ended=${revoked}`, 303);
});

personRoutes.get(`/sessions/:id{${UUID}}`, async (c) => {
  const session = await readSession(c);
  if (session === null) return c.notFound();
  const { events } = valueIn(
    await c.env.SESSIONS.listEvents(
      { user_id: session.user_id ?? session.id, limit: 100 },
      asOperator(c),
    ),
  );
  const ended = c.req.query('ended');
  return show(
    c,
    <SessionDetailPage
      viewer={c.get('viewer')}
      session={session}
      events={events.filter((event) => event.session_id === session.id)}
      ended={ended === undefined ? null : ended === '1'}
    />,
  );
});

personRoutes.get(`/sessions/:id{${UUID}}/end`, async (c) => {
  const session = await readSession(c);
  if (session === null) return c.notFound();
  return show(c, <EndSessionPage viewer={c.get('viewer')} session={session} />);
});

personRoutes.post(`/sessions/:id{${UUID}}/end`, async (c) => {
  const act = await readAct(c);
  if (!act.ok) return act.response;
  const id = c.req.param('id').toLowerCase();
  const ended = valueUnlessGone(
    await c.env.SESSIONS.revokeSession(
      { session_id: id, reason: act.reason },
      asOperator(c, act.note),
    ),
  );
  if (ended === null) return c.notFound();
  return c.redirect(`${BASE}/sessions/${id}?ended=${ended.revoked ? 1 : 0}`, 303);
});

async function readSession(c: ConsoleContext) {
  const session_id = (c.req.param('id') ?? '').toLowerCase();
  return (
    valueIfThere(await c.env.SESSIONS.getSession({ session_id }, asOperator(c)))?.session ?? null
  );
}
