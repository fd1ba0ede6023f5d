/** Firefox as it is released, by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/). */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, type Profile, toText } from './engine.ts';

const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

type Send = <T>(method: string, params: object) => Promise<T>;

export async function startFirefox(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-sessions-firefox-'));
  const settings = {
    'app.update.disabledForTesting': true,
    'datareporting.policy.dataSubmissionEnabled': false,
    'toolkit.telemetry.server': '',
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
  };
  const lines = Object.entries(settings).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(folder, 'user.js'), lines.join(''));
  const firefox = spawn(
    EXECUTABLE,
    ['--headless', '--no-remote', '--profile', folder, '--remote-debugging-port', '0'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' },
    },
  );
  const ended = new Promise<void>((done) => firefox.once('close', () => done()));
  const socket = new WebSocket(`${await readAddress(firefox)}/session`);
  const send = speak(socket);
  await new Promise((open, fail) => {
    socket.onopen = open;
    socket.onerror = fail;
  });
  const { capabilities } = await send<{ capabilities: { browserVersion: string } }>('session.new', {
    capabilities: { alwaysMatch: { acceptInsecureCerts: true } },
  });
  return {
    name: 'Firefox',
    version: capabilities.browserVersion,
    openProfile: () => openProfile(send),
    close: async () => {
      socket.close();
      firefox.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function openProfile(send: Send): Promise<Profile> {
  const { userContext } = await send<{ userContext: string }>('browser.createUserContext', {});
  return {
    openTab: async (url) => {
      const { context } = await send<{ context: string }>('browsingContext.create', {
        type: 'tab',
        userContext,
      });
      const goto = (target: string) =>
        send<void>('browsingContext.navigate', { context, url: target, wait: 'complete' });
      await goto(url);
      return {
        goto,
        narrow: (width) =>
          send('browsingContext.setViewport', { context, viewport: { width, height: 700 } }),
        evaluate: async (expression) => {
          const params = {
            expression: toText(expression),
            target: { context },
            awaitPromise: true,
          };
          const { result, exceptionDetails } = await send<Evaluated>('script.evaluate', params);
          if (!result) throw new Error(exceptionDetails?.text);
          return JSON.parse(result.value);
        },
      };
    },
    close: () => send('browser.removeUserContext', { userContext }),
  };
}

interface Evaluated {
  result?: { value: string };
  exceptionDetails?: { text: string };
}

/** Where it listens, which it says when it is ready. */
function readAddress(firefox: ChildProcess): Promise<string> {
  return new Promise((found, fail) => {
    let said = '';
    firefox.once('error', fail);
    firefox.once('close', () => fail(new Error(`Firefox ended: ${said}`)));
    firefox.stderr?.on('data', (chunk) => {
      said += chunk;
      const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(said) ?? [];
      if (address !== undefined) found(address);
    });
  });
}

/** Commands by their number (§3.4): an answer may come after that of a later one. */
function speak(socket: WebSocket): Send {
  const waiting = new Map<number, { done(value: unknown): void; fail(error: Error): void }>();
  let sent = 0;
  socket.onmessage = ({ data }) => {
    const { id, type, result, error, message } = JSON.parse(`${data}`);
    const { done, fail } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (type === 'error') fail?.(new Error(`${error}: ${message}`));
    else done?.(result);
  };
  return (method, params) =>
    new Promise((done, fail) => {
      sent += 1;
      waiting.set(sent, { done: done as (value: unknown) => void, fail });
      socket.send(JSON.stringify({ id: sent, method, params }));
    });
}
