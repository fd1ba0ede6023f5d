/**
 * The form token, which every form of the console carries, so that no other page and no other login
 * can send it: an HMAC of the login by a key that the browser alone keeps, in a cookie that no
 * script reads and no neighbouring host sets.
 */
import * as base64url from 'jose/base64url';

export const FORM_COOKIE = '__Host-console';

export const newFormKey = (): string =>
  base64url.encode(crypto.getRandomValues(new Uint8Array(32)));

/** Whether a cookie is one that this Worker may have set. */
export const isFormKey = (value: string): boolean => /^[\w-]{43}$/.test(value);

export async function toFormToken(key: string, login: string): Promise<string> {
  const mac = await crypto.subtle.sign('HMAC', await importKey(key), encode(login));
  return base64url.encode(new Uint8Array(mac));
}

/** In constant time. */
export async function isFormToken(token: string, key: string, login: string): Promise<boolean> {
  if (!isFormKey(key) || !/^[\w-]{43}$/.test(token)) return false;
  const mac = base64url.decode(token);
  return crypto.subtle.verify('HMAC', await importKey(key), mac, encode(login));
}

const encode = (text: string) => new TextEncoder().encode(text);

const importKey = (key: string) =>
  crypto.subtle.importKey('raw', base64url.decode(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);
