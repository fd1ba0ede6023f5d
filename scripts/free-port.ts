/** A free port for whoever starts a server later, and names it before. */
import { createSocket } from 'node:dgram';
import { assertPortIsFree } from './port.ts';

/**
 * Below the ports that the system gives to connections and to servers that ask for any: seconds may
 * pass until this one is listened on. None that browsers refuse is among them.
 */
const FIRST = 20_000;
const COUNT = 12_000;

/** A port of 127.0.0.1 that no other process, and no other call, is given while this one runs. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const isOurs = await claim(port);
    const isFree = await assertPortIsFree(port).then(
      () => true,
      () => false,
    );
    if (isOurs && isFree) return port;
  }
  throw new Error(`no free port from ${FIRST} on`);
}

/**
 * Takes the port of the same number for UDP, where it is in nobody's way, until this process ends.
 */
function claim(port: number): Promise<boolean> {
  return new Promise((claimed) => {
    const socket = createSocket('udp4');
    socket.once('error', () => claimed(false));
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      socket.unref();
      claimed(true);
    });
  });
}
