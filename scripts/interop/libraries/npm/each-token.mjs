/**
 * What the programs of this folder share. Each is run as `node PROGRAM ISSUER AUDIENCE ALG TOKEN…`
 * and prints a line for each token: `ok SUB`, or `no` and why.
 */
import { createServer } from 'node:http';

export const [issuer, audience, alg, ...tokens] = process.argv.slice(2);
export const jwksUri = `${issuer}/.well-known/jwks.json`;

/** `verify` gives the claims of a good token, and throws for any other. */
export async function verifyEach(verify) {
  for (const token of tokens) {
    try {
      console.log(`ok ${(await verify(token)).sub}`);
    } catch (error) {
      console.log(`no ${error.code ?? error.name}: ${error.message}`.replaceAll('\n', ' '));
    }
  }
  // Some keep timers.
  process.exit();
}

/** `listener` is a whole API, which answers 200 with `sub` as text. */
export async function askEach(listener) {
  const server = createServer(listener);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${server.address().port}/`;
  await verifyEach(async (token) => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    if (response.ok) return { sub: text };
    throw new Error(`${response.status} ${response.headers.get('www-authenticate') ?? text}`);
  });
}
