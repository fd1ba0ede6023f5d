/** The service itself: how it does, its webhooks, homes and keys, and what was done. */
import { Hono } from 'hono';
import { readAct } from './act-check';
import { AuditLogPage } from './audit-page';
import {
  asOperator,
  type ConsoleAppEnv,
  type ConsoleContext,
  countIn,
  show,
} from './console-context';
import {
  DeliveriesPage,
  type DeliveryState,
  ReplayPage,
  type ReplayTarget,
  STATES,
} from './deliveries-page';
import { BASE } from './frame';
import { HomesPage } from './homes-page';
import { KeysPage } from './keys-page';
import { OverviewPage, SPANS, type Span } from './overview-page';
import { valueIn, valueUnlessAway } from './refused-call';

export const serviceRoutes = new Hono<ConsoleAppEnv>();

serviceRoutes.get('/', async (c) => {
  const { SESSIONS } = c.env;
  const by = asOperator(c);
  const asked = c.req.query('hours') ?? '';
  const span = (Object.hasOwn(SPANS, asked) ? Number(asked) : 24) as Span;
  const [stats, listed, known, acts, suspicious] = await Promise.all([
    SESSIONS.stats({ hours: span }, by),
    SESSIONS.listHomes({}, by),
    SESSIONS.listSigningKeys({}, by),
    SESSIONS.listAuditEvents({ limit: 5 }, by),
    SESSIONS.listSuspicious({ limit: 10 }, by),
  ]);
  const { homes } = valueIn(listed);
  return show(
    c,
    <OverviewPage
      viewer={c.get('viewer')}
      span={span}
      stats={valueIn(stats)}
      homes={homes}
      keys={valueUnlessAway(known)?.keys ?? null}
      givenUp={await countGivenUp(c, homes)}
      audit={valueIn(acts)}
      suspicious={valueIn(suspicious).events}
    />,
  );
});

async function countGivenUp(
  c: ConsoleContext,
  homes: readonly { home: string; answers: boolean }[],
): Promise<number> {
  const pages = await Promise.all(
    homes
      .filter(({ answers }) => answers)
      .map(({ home }) =>
        c.env.SESSIONS.listDeliveries({ home, state: 'dead', limit: 100 }, asOperator(c)),
      ),
  );
  return pages.reduce((count, answer) => count + valueIn(answer).deliveries.length, 0);
}

serviceRoutes.get('/homes', async (c) => {
  const { SESSIONS } = c.env;
  const [listed, counted] = await Promise.all([
    SESSIONS.listHomes({}, asOperator(c)),
    SESSIONS.stats({ hours: 1 }, asOperator(c)),
  ]);
  const stats = valueIn(counted);
  return show(
    c,
    <HomesPage
      viewer={c.get('viewer')}
      homes={valueIn(listed).homes}
      stats={stats.homes}
      unanswered={stats.unanswered_homes}
    />,
  );
});

serviceRoutes.get('/keys', async (c) => {
  const { keys } = valueIn(await c.env.SESSIONS.listSigningKeys({}, asOperator(c)));
  return show(c, <KeysPage viewer={c.get('viewer')} keys={keys} />);
});

serviceRoutes.get('/audit', async (c) => {
  const paging = { limit: 50, cursor: c.req.query('cursor') ?? null };
  const audit = valueIn(await c.env.SESSIONS.listAuditEvents(paging, asOperator(c)));
  return show(c, <AuditLogPage viewer={c.get('viewer')} audit={audit} />);
});

serviceRoutes.get('/webhooks', async (c) => {
  const { SESSIONS } = c.env;
  const { state: asked = '', home: wanted, cursor = null } = c.req.query();
  const { homes } = valueIn(await SESSIONS.listHomes({}, asOperator(c)));
  const names = homes.map(({ home }) => home);
  const home = names.find((name) => name === wanted) ?? (names[0] as string);
  const state = (Object.hasOwn(STATES, asked) ? asked : 'dead') as DeliveryState;
  const listed = valueIn(
    await SESSIONS.listDeliveries({ home, state, cursor, limit: 50 }, asOperator(c)),
  );
  return show(
    c,
    <DeliveriesPage
      viewer={c.get('viewer')}
      homes={names}
      home={home}
      state={state}
      deliveries={listed.deliveries}
      nextCursor={listed.next_cursor}
      replayed={countIn(c, 'replayed')}
    />,
  );
});

serviceRoutes.get('/webhooks/replay', (c) =>
  show(c, <ReplayPage viewer={c.get('viewer')} target={toTarget((name) => c.req.query(name))} />),
);

serviceRoutes.post('/webhooks/replay', async (c) => {
  const act = await readAct(c);
  if (!act.ok) return act.response;
  const target = toTarget((name) => act.form.get(name) ?? undefined);
  const which = Object.keys(target).length === 0 ? { all: true as const } : target;
  const { replayed } = valueIn(
    await c.env.SESSIONS.replayDeliveries(
      { ...which, reason: act.reason },
      asOperator(c, act.note),
    ),
  );
  return c.redirect(`${BASE}/webhooks?replayed=${replayed}`, 303);
});

function toTarget(read: (name: string) => string | undefined): ReplayTarget {
  const [endpoint, id] = [read('endpoint'), read('event_id')];
  return { ...(endpoint && { endpoint }), ...(id && { event_id: id }) };
}
