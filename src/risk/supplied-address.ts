/**
 * Reads an address that a server supplies of its visitor. The server's framework and proxies may
 * have changed its form, so it is read leniently: an odd address must not keep anybody from signing
 * in.
 */
import { parseAddress } from './address';

/**
 * The length of several addresses with their ports. A longer text is cut off, so that reading it is
 * bounded.
 */
const MAX_LENGTH = 512;

/**
 * The address in one spelling, without its port, brackets, quotes (RFC 7239 §6) or zone (RFC 4007
 * §11); of a list the first, which is the client in X-Forwarded-For. null: there is none to be read
 * out of the text, or it names no visitor.
 */
export function readSuppliedAddress(text: string): string | null {
  const [first = ''] = text.slice(0, MAX_LENGTH).split(',');
  const unquoted = first.trim().replace(/^"(.*)"$/, '$1');
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(unquoted)?.[1];
  if (bracketed !== undefined) return bracketed.includes(':') ? toOneSpelling(bracketed) : null;
  return toOneSpelling(unquoted.replace(/^([\d.]+):\d{1,5}$/, '$1'));
}

/** The address without its zone, which means something only on the machine that named it. */
const toOneSpelling = (text: string): string | null =>
  parseAddress(text.replace(/(?<=:.*)%.*$/, ''))?.toString() ?? null;
