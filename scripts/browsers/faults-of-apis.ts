/** Clocks that are set, and APIs that refuse. */
import { ASKS_FOR_MORE, REFUSES, WORKS } from './api.ts';
import { expectAll, HOUR_MS, MODES_WITH_BEARER, type Trial } from './scene.ts';
import { API, ELSEWHERE, STOCK } from './world.ts';

export const FAULTS_OF_APIS: Trial[] = [
  {
    fault: 'a clock that was an hour ahead and is set right: 60 calls',
    most: 2,
    run: async ({ tab }) => {
      await tab.evaluate(`(skewMs = ${HOUR_MS}, client.refresh())`);
      return expectAll(await tab.evaluate('(skewMs = 0, call(60))'), 200);
    },
  },
  {
    fault: 'a clock that was an hour behind and is set right: 60 calls',
    most: 1,
    run: async ({ tab }) => expectAll(await tab.evaluate(`(skewMs = ${HOUR_MS}, call(60))`), 200),
  },
  {
    fault: 'an API that always answers 401: 20 calls',
    most: 1,
    run: async ({ world, tab }) => {
      world.api = REFUSES;
      return expectAll(await tab.evaluate('call(20)'), 401);
    },
  },
  {
    fault: 'an API that wants a stronger sign-in (RFC 9470): 5 calls',
    most: 0,
    run: async ({ world, tab }) => {
      world.api = ASKS_FOR_MORE;
      return expectAll(await tab.evaluate('call(5)'), 401);
    },
  },
  {
    fault: 'an API that refuses one URL, of several: 20 calls of each',
    most: 1,
    run: async ({ world, tab }) => {
      world.api = (path) => ({ status: path.endsWith('/secret') ? 401 : 200 });
      const calls = `(async () => {
        const statuses = [];
        for (let made = 0; made < 20; made += 1)
          statuses.push(...(await call(1, '${API}/secret')), ...(await call(1)));
        return statuses;
      })()`;
      const statuses = await tab.evaluate<number[]>(calls);
      const refused = expectAll(
        statuses.filter((_, at) => at % 2 === 0),
        401,
      );
      return (
        refused ??
        expectAll(
          statuses.filter((_, at) => at % 2 === 1),
          200,
        )
      );
    },
  },
  {
    fault: 'an API that wants a stronger sign-in: 5 calls at once, and the person does it, once',
    most: 1,
    run: async ({ world, tab }) => {
      const weak = new Set<string>();
      world.api = (path, headers) => {
        const sent = `${headers.authorization} ${headers.cookie}`;
        if (weak.size === 0) weak.add(sent);
        return weak.has(sent) ? ASKS_FOR_MORE(path, headers) : WORKS(path, headers);
      };
      const statuses = await tab.evaluate<number[]>(`(window.asked = 0, callAtOnce(5, withStepUp(
        () => new Promise((done) => setTimeout(() => done(++asked > 0), 300)))))`);
      const asked = await tab.evaluate('asked');
      return expectAll(statuses, 200) ?? (asked === 1 ? undefined : `asks ${asked} times`);
    },
  },
  {
    fault: 'two audiences, asked by turns, at once: 20 calls',
    most: 2,
    modes: MODES_WITH_BEARER,
    run: async ({ tab }) =>
      expectAll(
        await tab.evaluate(`(async () => {
          const [things, stock] = ['${API}', '${STOCK}'].map(withAudience);
          return Promise.all(Array.from({ length: 20 }, async (_, at) =>
            (await (at % 2 ? stock : things).fetch('${API}')).status));
        })()`),
        200,
      ),
  },
  {
    fault: 'a 401, and what was sent is sent again: text, form, file, Request',
    most: 4,
    run: async ({ world, tab }) => {
      const seen = new Set<string>();
      world.api = (path) => {
        const status = seen.has(path) ? 200 : 401;
        seen.add(path);
        return { status };
      };
      const texts = await tab.evaluate<string[]>(`(async () => {
        const form = new FormData();
        form.append('a', 'ten euros');
        const post = (name, body) => ['${API}/' + name, { method: 'POST', body, keepalive: true }];
        const sent = [post('text', 'ten euros'), post('form', form),
          post('file', new Blob(['ten euros'])), [new Request(...post('request', 'ten euros'))]];
        const texts = [];
        for (const request of sent) texts.push(await (await client.fetch(...request)).text());
        return texts;
      })()`);
      const wrong = texts.filter((text) => !text.includes('ten euros'));
      return wrong.length > 0 ? `the API got ${texts.join(', ')}` : undefined;
    },
  },
  {
    fault: 'an API that redirects to another site: the token goes to nobody',
    most: 0,
    modes: MODES_WITH_BEARER,
    run: async ({ world, tab }) => {
      world.api = () => ({ status: 302, headers: { location: `${ELSEWHERE}/caught` } });
      const said = await tab.evaluate('call(1).then(String, (error) => error.name)');
      const caught = world.requests.some(({ url }) => url.endsWith('/caught'));
      return caught || said !== 'TypeError' ? `the call answers ${said}` : undefined;
    },
  },
  {
    fault: 'signed out, and 100 calls at once',
    most: 0,
    run: async ({ world, tab }) => {
      await tab.evaluate('client.signOut()');
      world.api = REFUSES;
      return expectAll(await tab.evaluate('callAtOnce(100)'), 401);
    },
  },
];
