/**
 * What the client for apps weighs: one file as an app would bundle it, minified and compressed.
 * Fails from 5 KiB on.
 */
import { gzipSync } from 'node:zlib';
import { bundleClient } from './bundle-client.ts';

const MAX_BYTES = 5 * 1024;

const bytes = gzipSync(await bundleClient(), { level: 9 }).length;
console.log(`${bytes} bytes gzip; less than ${MAX_BYTES} are allowed`);
if (bytes >= MAX_BYTES) process.exitCode = 1;
