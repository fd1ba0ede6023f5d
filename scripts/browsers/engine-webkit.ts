/** WebKitGTK's own small browser, by WebDriver (https://www.w3.org/TR/webdriver2/), under Xvfb. */
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { findFreePort } from '../free-port.ts';
import { type Engine, type Profile, toText, until } from './engine.ts';

const DRIVER = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver';
const BROWSERS = '/usr/lib/*/webkit2gtk-4.1/MiniBrowser';

type Send = <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<T>;

export async function startWebKit(): Promise<Engine> {
  const [binary] = globSync(BROWSERS);
  if (!existsSync(DRIVER) || binary === undefined) throw new Error(`there is no ${DRIVER}`);
  const port = await findFreePort();
  const driver = spawn('xvfb-run', ['-a', DRIVER, `--port=${port}`], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, LIBGL_ALWAYS_SOFTWARE: '1', WEBKIT_DISABLE_COMPOSITING_MODE: '1' },
  });
  const ended = new Promise<void>((done) => driver.once('close', () => done()));
  const send = speak(port);
  const isReady = await until(
    () => send<{ ready: boolean }>('GET', '/status').catch(() => ({ ready: false })),
    ({ ready }) => ready,
  );
  if (!isReady.ready) throw new Error('WebKitWebDriver does not answer');
  const open = () =>
    send<Started>('POST', '/session', {
      capabilities: {
        alwaysMatch: {
          acceptInsecureCerts: true,
          'webkitgtk:browserOptions': { binary, args: ['--automation'] },
        },
      },
    });
  const first = await open();
  await send('DELETE', `/session/${first.sessionId}`);
  return {
    name: 'WebKit',
    version: first.capabilities.browserVersion,
    openProfile: async () => toProfile(send, (await open()).sessionId),
    close: async () => {
      // A group of its own: xvfb-run, Xvfb and the driver.
      process.kill(-(driver.pid as number), 'SIGTERM');
      await ended;
    },
  };
}

interface Started {
  sessionId: string;
  capabilities: { browserVersion: string };
}

/**
 * A session of WebDriver is a browser without a past. Its commands are for one window at a time.
 */
async function toProfile(sendTo: Send, sessionId: string): Promise<Profile> {
  const send: Send = (method, path, body) => sendTo(method, `/session/${sessionId}${path}`, body);
  let queue: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = queue.then(work);
    queue = mine.catch(() => {});
    return mine;
  };
  await send('POST', '/timeouts', { script: 60_000, pageLoad: 60_000 });
  let unused: string | null = await send<string>('GET', '/window');
  const openWindow = async () =>
    unused ?? (await send<{ handle: string }>('POST', '/window/new', { type: 'tab' })).handle;
  return {
    openTab: async (url) => {
      const handle = await inOrder(openWindow);
      unused = null;
      const inWindow = <T>(path: string, body: object) =>
        inOrder(async () => {
          await send('POST', '/window', { handle });
          return send<T>('POST', path, body);
        });
      const goto = (target: string) => inWindow<void>('/url', { url: target });
      await goto(url);
      return {
        goto,
        narrow: (width) => inWindow('/window/rect', { width, height: 700 }),
        evaluate: async (expression) => {
          const script = `const done = arguments[arguments.length - 1];
            ${toText(expression)}.then((text) => done({ text }), (error) => done({ error: String(error) }));`;
          const { text, error } = await inWindow<{ text?: string; error?: string }>(
            '/execute/async',
            { script, args: [] },
          );
          if (text === undefined) throw new Error(error);
          return JSON.parse(text);
        },
      };
    },
    // At once: the command before it may be one that never ends.
    close: () => sendTo<void>('DELETE', `/session/${sessionId}`),
  };
}

function speak(port: number): Send {
  return async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
    });
    const { value } = (await response.json()) as { value: { error?: string; message?: string } };
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value as never;
  };
}
