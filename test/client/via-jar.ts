/**
 * Requests of the client as a browser would send them to the service, with the cookies of a jar.
 */
import { ISSUER, type TestService } from '../fixtures';
import { type Jar, SAME_ORIGIN } from '../http/browser/browser';

export async function viaJar(
  service: TestService,
  jar: Jar,
  request: Request,
  origin: string,
): Promise<Response> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const site = origin === ISSUER ? 'same-origin' : 'same-site';
  const headers = { ...SAME_ORIGIN, origin, 'sec-fetch-site': site, cookie };
  const { pathname } = new URL(request.url);
  const response = await service.request(pathname, {
    method: request.method,
    headers,
    body: await request.text(),
  });
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/max-age=0(;|$)/i.test(line)) jar.delete(name);
    else jar.set(name, value);
  }
  return response;
}
