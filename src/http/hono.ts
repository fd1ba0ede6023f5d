/**
 * Hono with one router of its own. The default has two of them, a faster one and this one for what
 * the faster one cannot do, which is 2 KiB of the Worker for microseconds of a request.
 */
import type { Env } from 'hono';
import { HonoBase } from 'hono/hono-base';
import { TrieRouter } from 'hono/router/trie-router';

export class Hono<E extends Env> extends HonoBase<E> {
  constructor() {
    super({ router: new TrieRouter() });
  }
}
