import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new Error(`PORT must be a whole number from 1 to 65535, not "${text}"`);
}

export function assertPortIsFree(port: number): Promise<void> {
  return new Promise((free, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      reject(isTaken ? new Error(`port ${port} is taken; choose another with PORT`) : error);
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => free()));
  });
}

/** Waits for a process that is being killed. Rejects when the port is still taken afterwards. */
export async function untilPortIsFree(port: number): Promise<void> {
  for (let tries = 50; ; tries -= 1) {
    try {
      return await assertPortIsFree(port);
    } catch (error) {
      if (tries === 0) throw error;
    }
    await sleep(100);
  }
}
