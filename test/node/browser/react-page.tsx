/** @jsxImportSource react */
/**
 * What react-app.test.ts has Chromium run: the documented app in StrictMode, and one that is slow.
 */
import { createSessionClient } from 'edge-sessions/browser';
import { SessionProvider, type SessionProviderProps, useSession } from 'edge-sessions/react';
import { type ComponentType, StrictMode, startTransition, useLayoutEffect, useState } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';

interface Recorded {
  /** What the page said, from the server's HTML on. */
  texts: (string | null)[];
  /** How many answers of the service to a refresh its client has taken. */
  answers: number;
  /** What React had to say about it. */
  errors: string[];
  /** By render of a slow component: the state that it saw. */
  rendered: string[];
  /** By commit: the different texts of the components that show the same. */
  commits: string[][];
  /** What other tabs have said since `hold` was called. They are heard in the midst of `grow`. */
  held: (() => void)[];
  hold(): void;
  grow(): void;
}
const recorded = window as unknown as Recorded;

const root = document.getElementById('root') as HTMLElement;

/**
 * Counts what the service has answered, once the client knows it: what it does with an answer is
 * done before the next task. The page may look the same before, by what the server has rendered.
 */
function countAnswers(): void {
  const send = window.fetch;
  recorded.answers = 0;
  window.fetch = async (...request) => {
    const response = await send(...request);
    const read = response.json.bind(response);
    const count = () => {
      recorded.answers += 1;
    };
    response.json = () => read().finally(() => setTimeout(count));
    return response;
  };
}

/** Hydrates what the server has rendered of the documented app, as strictly as React can. */
export function hydrate(App: ComponentType<Pick<SessionProviderProps, 'initial'>>): void {
  const initial = JSON.parse(document.getElementById('initial')?.textContent ?? 'null');
  const note = () => recorded.texts.push(root.textContent);
  Object.assign(recorded, { texts: [], errors: [] });
  countAnswers();
  const fail = (...said: unknown[]) => recorded.errors.push(said.join(' '));
  console.error = fail;
  note();
  new MutationObserver(note).observe(root, { subtree: true, childList: true, characterData: true });
  hydrateRoot(
    root,
    <StrictMode>
      <App initial={initial} />
    </StrictMode>,
    { onRecoverableError: fail },
  );
}

const openSession = () =>
  createSessionClient({ mode: 'cookie', baseUrl: '/auth', resources: ['/api'] });

function SlowItem() {
  const { state, userId } = useSession();
  recorded.rendered.push(state);
  // In a task of its own, which comes between two slices.
  for (const hear of recorded.held.splice(0)) setTimeout(hear);
  const until = performance.now() + 15;
  while (performance.now() < until);
  return <li>{`${state} ${userId}`}</li>;
}

function SlowList() {
  const [count, setCount] = useState(1);
  recorded.grow = () => startTransition(() => setCount(60));
  useLayoutEffect(() => {
    const texts = [...document.querySelectorAll('li')].map(({ textContent }) => textContent ?? '');
    recorded.commits.push([...new Set(texts)]);
  });
  // It renders with the session, so that there is a commit to look at whenever that changes.
  useSession();
  return (
    <ul>
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they only ever grow
        <SlowItem key={index} />
      ))}
    </ul>
  );
}

/** Has what other tabs say come later, if that is wanted, whenever it came. */
function holdMessages(): void {
  let isHeld = false;
  recorded.held = [];
  recorded.hold = () => {
    isHeld = true;
  };
  const listen = Object.getOwnPropertyDescriptor(BroadcastChannel.prototype, 'onmessage');
  Object.defineProperty(BroadcastChannel.prototype, 'onmessage', {
    set(hear: (event: MessageEvent) => void) {
      listen?.set?.call(this, (event: MessageEvent) => {
        if (isHeld) recorded.held.push(() => hear(event));
        else hear(event);
      });
    },
  });
}

/** Many components of one session, rendered in slices of time in which it may change. */
export function renderMany(): void {
  Object.assign(recorded, { rendered: [], commits: [] });
  holdMessages();
  createRoot(root).render(
    <SessionProvider client={openSession}>
      <SlowList />
    </SessionProvider>,
  );
}
