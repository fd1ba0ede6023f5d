/** Answers with public documents, which are not sent again to a caller that has them already. */
import { sha256 } from '../../crypto';
import type { AppContext } from '../context';

/** An entity tag: the same for the same text (RFC 9110 §8.8.3). */
export async function toEntityTag(text: string): Promise<string> {
  return `"${(await sha256(text)).slice(0, 27)}"`;
}

/** 304 where the caller names the tag (RFC 9110 §13.1.2), as caches do that checked for less. */
export function answerDocument(
  c: AppContext,
  { text, tag }: { text: string; tag: string },
  { contentType, ...headers }: { contentType: string; [name: string]: string },
): Response {
  const known = c.req.header('If-None-Match')?.split(',') ?? [];
  const all = { ...headers, ETag: tag };
  return known.some((one) => ['*', tag].includes(one.trim().replace(/^W\//, '')))
    ? c.body(null, 304, all)
    : c.body(text, 200, { ...all, 'Content-Type': contentType });
}
