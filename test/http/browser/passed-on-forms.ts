/**
 * What browsers say of a form that a page submits to an origin whose service worker passes on
 * everything (`event.respondWith(fetch(event.request))`), as Chromium 156, Firefox 153 and WebKit
 * 2.50 were seen to send it. Cookies that are `SameSite=Lax` come along from all of the site.
 */
export function passedOn(own: string, neighbour: string) {
  const chromium = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'empty' };
  const webkit = { ...chromium, 'sec-fetch-site': 'same-origin' };
  const firefox = {
    'sec-fetch-mode': 'same-origin',
    'sec-fetch-dest': 'empty',
    'sec-fetch-site': 'same-origin',
    origin: own,
  };
  const of = (origin: string) => ({ origin, referer: `${origin}/` });
  return {
    Chromium: {
      own: { ...chromium, 'sec-fetch-site': 'same-origin', ...of(own) },
      neighbour: { ...chromium, 'sec-fetch-site': 'same-site', ...of(neighbour) },
      hiding: { ...chromium, 'sec-fetch-site': 'same-site', origin: 'null' },
    },
    Firefox: {
      // A query may end as a script's name does.
      own: { ...firefox, referer: `${own}/page?file=app.js` },
      neighbour: { ...firefox, referer: `${neighbour}/` },
      hiding: firefox,
    },
    WebKit: {
      own: { ...webkit, ...of(own) },
      neighbour: { ...webkit, ...of(neighbour) },
      // It names the worker, whose script's name no page has.
      hiding: { ...webkit, origin: own, referer: `${own}/sw.js` },
    },
  };
}
