/** What stands between the browser and the service, and another site. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './engine.ts';
import { becomes, HOUR_MS, isHidden, refreshIn, stateOf, type Trial } from './scene.ts';
import { APP, ELSEWHERE, GRACE_MS, type World } from './world.ts';

/** A proxy's own answer, which the page may read. */
const answering =
  (status: number, own: Record<string, string> = {}): NonNullable<World['between']> =>
  (_, headers) =>
    headers['access-control-request-method'] !== undefined
      ? null
      : {
          type: 'text/html',
          body: '<html>',
          status,
          headers: {
            'access-control-allow-origin': headers.origin ?? APP,
            'access-control-allow-credentials': 'true',
            'access-control-expose-headers': 'Retry-After',
            ...own,
          },
        };

export const FAULTS_OF_NETWORKS: Trial[] = [
  {
    fault: '`503` and `Retry-After: 3600` of a proxy: the session stays',
    run: async ({ world, tab }) => {
      world.between = answering(503, { 'retry-after': '3600' });
      const said = await refreshIn(tab);
      if (said !== 'SessionUnavailableError') return `a refresh answers ${said}`;
      return becomes(tab, 'active');
    },
  },
  {
    fault: '`Retry-After: 3600` of a proxy, and the person signs out',
    run: async ({ world, tab, userId }) => {
      world.between = answering(503, { 'retry-after': '3600' });
      await refreshIn(tab);
      world.between = null;
      await tab.evaluate('client.signOut()');
      const [reason] = await world.endings(userId);
      return reason === 'signed_out' ? becomes(tab, 'signed_out') : `the session ends by ${reason}`;
    },
  },
  {
    fault: 'every answer of the service is lost for half a second',
    run: async ({ world, tab }) => {
      await sleep(GRACE_MS + 200);
      world.between = (service) => ({ lostFrom: service });
      const refreshing = refreshIn(tab);
      await sleep(500);
      world.between = null;
      const said = await refreshing;
      if (said === 'active') return undefined;
      return `a refresh answers ${said}: ${await tab.evaluate('reasons')}`;
    },
  },
  {
    fault: 'a captive portal, a redirect, a body cut off, a 502, then the service',
    most: 5,
    run: async ({ world, tab }) => {
      const others = [
        answering(200),
        answering(302, { location: `${ELSEWHERE}/login` }),
        () => ({ cut: true }) as const,
        answering(502),
      ];
      world.between = (service, headers) => {
        const isPreflight = headers['access-control-request-method'] !== undefined;
        return isPreflight ? null : (others.shift()?.(service, headers) ?? null);
      };
      const said = await refreshIn(tab);
      return said === 'active' ? undefined : `a refresh answers ${said}`;
    },
  },
  {
    fault: 'a firewall that answers 403, while nobody waits: the app is told, once',
    most: 1,
    run: async ({ world, tab }) => {
      world.between = answering(403);
      await tab.evaluate(`(skewMs = ${HOUR_MS}, client.wake(), 1)`);
      if (await isHidden(tab)) return undefined;
      const errors = await until(
        () => tab.evaluate<string[]>('errors'),
        ({ length }) => length > 0,
        5_000,
      );
      const isTold = errors.join() === 'SessionUnavailableError';
      return isTold ? becomes(tab, 'active') : `the app is told ${errors}`;
    },
  },
  {
    fault: 'no network, and the person signs out',
    most: 0,
    run: async ({ world, mode, tab }) => {
      // Nothing listens there.
      world.between = () => new URL('http://127.0.0.1:9');
      const said = await tab.evaluate('client.signOut().then(() => 1, (error) => error.name)');
      if (said !== 'SessionUnavailableError') return `a sign-out answers ${said}`;
      // Only the service can remove cookies.
      return becomes(tab, mode === 'token' ? 'signed_out' : 'active');
    },
  },
  {
    fault: 'a page on another site than the service: not signed out, and told why',
    most: 2,
    modes: ['memory', 'cookie'],
    run: async ({ mode, profile }) => {
      const elsewhere = await profile.openTab(`${ELSEWHERE}/`);
      await elsewhere.evaluate(`(openClient('${mode}'), 1)`);
      const code = await elsewhere.evaluate('client.refresh().catch((error) => error.code)');
      const state = await stateOf(elsewhere);
      return code === 'third_party_cookies_blocked' && state === 'unknown'
        ? undefined
        : `is ${state}, by ${code}`;
    },
  },
];
