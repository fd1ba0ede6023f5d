/**
 * The languages of the pages for people: which one a person is spoken to in, that it stays so from
 * page to page, and that none of them lacks a text.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parsePageTexts } from '../../../src/config/page-texts';
import { findTextMistakes } from '../../../src/http/account/texts/check-texts';
import { en, type Plural } from '../../../src/http/account/texts/en';
import { negotiate } from '../../../src/http/account/texts/negotiate';
import { createWording } from '../../../src/http/account/texts/wording';
import { ISSUER, START, type TestService } from '../../fixtures';
import { AT, UA } from '../../risk/callers';
import { handOff, NAVIGATION, OWN_FORM, send, signIn, startWithBrowsers } from '../browser/browser';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c31';
type File = Record<string, string | Plural>;
const FILES = Object.fromEntries(
  Object.entries(
    import.meta.glob('../../../assets/edge-sessions/languages/*.json', {
      query: '?raw',
      eager: true,
      import: 'default',
    }),
  ).map(([path, text]) => [/([^/]+)\.json$/.exec(path)?.[1] as string, JSON.parse(text) as File]),
);

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const speaking = (variables: Parameters<typeof startWithBrowsers>[0] = {}) =>
  startWithBrowsers({ ASSETS: env.ASSETS, ...variables });
const get = (service: TestService, path: string, acceptLanguage?: string, cookie = '') =>
  service.request(path, {
    headers: { cookie, ...(acceptLanguage && { 'accept-language': acceptLanguage }) },
  });
const titleOf = async (response: Response) => /<h1>(.*?)<\/h1>/.exec(await response.text())?.[1];

const formsOf = (text: string | Plural) => (typeof text === 'string' ? { other: text } : text);
const placeholdersOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);

describe('each language', () => {
  it('is there: German, French, Spanish, Brazilian Portuguese, Japanese and Arabic', () => {
    expect(Object.keys(FILES).sort()).toEqual(['ar', 'de', 'es', 'fr', 'ja', 'pt-BR']);
  });

  it.each(Object.entries(FILES))('%s has every text and no other', (_, texts) => {
    expect(Object.keys(texts).sort()).toEqual(Object.keys(en).sort());
  });

  it.each(Object.entries(FILES))('%s has the placeholders of English in each text', (_, texts) => {
    for (const [key, english] of Object.entries(en) as [string, string | Plural][]) {
      const expected = placeholdersOf(formsOf(english).other).sort();
      const { other, ...forms } = formsOf(texts[key] as string | Plural);
      expect([key, placeholdersOf(other).sort()]).toEqual([key, expected]);
      // A form for one or two may say the number in words.
      for (const form of Object.values(forms))
        expect(expected).toEqual(expect.arrayContaining(placeholdersOf(form)));
    }
  });

  it.each(Object.entries(FILES))('%s has plurals in all categories that it has', (tag, texts) => {
    const rules = new Intl.PluralRules(tag);
    const { pluralCategories } = rules.resolvedOptions();
    // Of a million there may be another, which nobody has of devices.
    const counted = new Set([...Array(1_000).keys()].map((count) => rules.select(count)));
    for (const [key, english] of Object.entries(en)) {
      expect([key, typeof texts[key]]).toEqual([key, typeof english]);
      if (typeof english === 'string') expect((texts[key] as string).trim()).not.toBe('');
      else {
        const forms = Object.keys(texts[key] ?? {});
        expect(pluralCategories).toEqual(expect.arrayContaining(forms));
        expect(forms).toEqual(expect.arrayContaining([...counted]));
      }
    }
  });

  it.each(Object.entries(FILES))('%s leaves no text in English', (tag, texts) => {
    const same = Object.keys(en).filter(
      (key) => JSON.stringify(texts[key]) === JSON.stringify(en[key as keyof typeof en]),
    );
    const hasWords = (key: string) =>
      /[a-z]/i.test(formsOf(en[key as keyof typeof en]).other.replaceAll(/\{\w+\}/g, ''));
    // A word that German and French have as well.
    expect(same.filter(hasWords)).toEqual(['de', 'fr'].includes(tag) ? ['version'] : []);
  });

  it.each([['en', en as File] as const, ...Object.entries(FILES)])(
    '%s has the words of a button in what it is called where its device or account is said',
    (_, texts) => {
      // WCAG 2.2 §2.5.3: who speaks to the browser says what is to be seen.
      for (const [shown, called] of [
        ['signOut', 'signOutDevice'],
        ['switchAccount', 'switchTo'],
      ] as const)
        expect(String(texts[called]).toLowerCase()).toContain(String(texts[shown]).toLowerCase());
    },
  );

  it('addresses the person alike in all of its texts', () => {
    const said = (tag: string) => JSON.stringify(FILES[tag]);
    expect(said('de')).not.toMatch(/(?<!\p{L})(du|dein\p{L}*|dir|dich)(?!\p{L})/iu);
    expect(said('fr')).not.toMatch(/(?<!\p{L})(tu|ton|tes|toi)(?!\p{L})/iu);
    expect(said('es')).not.toMatch(/(?<!\p{L})(tú|tus?|ti|te)(?!\p{L})/iu);
    // Of one person: "on your behalf", "to you", "your account".
    expect(said('ar')).not.toMatch(/(?<!\p{L})(عنك|لك|حسابك)(?!\p{L})/u);
    // One spelling of "browser", and one kind of colon.
    expect(said('ja')).not.toMatch(/ブラウザー|：/);
  });

  it('French has a space that does not break before its double punctuation', () => {
    expect(JSON.stringify(Object.values(FILES.fr ?? {}))).not.toMatch(/ [:;?!]/);
  });
});

describe('a number, a time and a place are said as the language says them', () => {
  const wordingOf = (tag: string) =>
    createWording({ ...en, ...FILES[tag] } as typeof en, tag, 'Europe/Berlin', START);

  it.each([
    [1, 'يُعرض أحدث جهاز فقط.'],
    [2, 'يُعرض أحدث جهازين فقط.'],
    [5, 'تُعرض أحدث 5 أجهزة فقط.'],
    [11, 'يُعرض أحدث 11 جهازًا فقط.'],
    [100, 'يُعرض أحدث 100 جهاز فقط.'],
  ])('%i devices in Arabic', (count, expected) => {
    const { plural } = wordingOf('ar');
    expect(plural(FILES.ar?.moreDevices as Plural, count)).toBe(expected);
  });

  it.each([
    ['de', 'vor 2 Stunden', '31. Dezember 2025 um 23:00 MEZ', 'Lyon, Frankreich'],
    ['ja', '2 時間前', '2025年12月31日 23:00 GMT+1', 'フランス Lyon'],
    ['ar', 'قبل ساعتين', '31 ديسمبر 2025 في 11:00 م غرينتش+1', 'Lyon، فرنسا'],
  ])('in %s', (tag, ago, exactly, place) => {
    const wording = wordingOf(tag);
    const date = new Date(START - 7_200_000);
    expect(wording.ago(date)).toBe(ago);
    expect(wording.exactly(date)).toBe(exactly);
    expect(wording.place({ city: 'Lyon', country: 'FR' })).toBe(place);
  });

  it('what is no country stays as it is: Tor, and what a row was given by hand', () => {
    const { place } = wordingOf('de');
    expect(place({ city: null, country: 'T1' })).toBe('T1');
    expect(place({ city: 'X', country: 'fr\u202e<' })).toBe('X, fr<');
    expect(place({ city: null, country: null })).toBe('');
  });
});

describe('the language of Accept-Language (RFC 9110 §12.5.4)', () => {
  const TAGS = ['en', 'de', 'fr', 'es', 'pt-BR', 'ja', 'ar'];
  it.each([
    [undefined, 'en', 'en-GB'],
    ['', 'en', 'en-GB'],
    ['de', 'de', 'de'],
    ['DE-at, en;q=0.8', 'de', 'de-at'],
    ['en-US,en;q=0.9', 'en', 'en-us'],
    ['nl, fr;q=0.5, de;q=0.7', 'de', 'de'],
    ['en;q=0.1,fr', 'fr', 'fr'],
    ['fr;q=0, de;q=0.001', 'de', 'de'],
    ['de;q=0', 'en', 'en-GB'],
    ['*', 'en', 'en-GB'],
    ['zh-Hant-TW, ja;q=0.2', 'ja', 'ja'],
    ['pt', 'pt-BR', 'pt'],
    ['pt-PT', 'pt-BR', 'pt-pt'],
    ['de-Latn-DE-1996', 'de', 'de'],
    ['ar-EG', 'ar', 'ar-eg'],
    ['de;q=2, fr;q=0.3', 'fr', 'fr'],
    ['de;q=x, fr;q=0.3', 'fr', 'fr'],
    [';;;q=x,', 'en', 'en-GB'],
    ['a'.repeat(9_000), 'en', 'en-GB'],
  ])('%j is %s, with the dates of %s', (header, language, locale) => {
    expect(negotiate(header, TAGS)).toEqual({ language, locale });
  });
});

describe('a page', () => {
  it.each([
    ['de', 'ltr', 'Sie sind abgemeldet'],
    ['fr', 'ltr', 'Vous êtes déconnecté'],
    ['es', 'ltr', 'Ha cerrado la sesión'],
    ['pt-BR', 'ltr', 'Você saiu da conta'],
    ['ja', 'ltr', 'ログアウトしました'],
    ['ar', 'rtl', 'تم تسجيل خروجكم'],
    ['en', 'ltr', 'You are signed out'],
  ])('in %s says so in its element and headers', async (tag, direction, title) => {
    const response = await get(await speaking(), '/account/signed-out', tag);
    expect(response.headers.get('content-language')).toBe(tag);
    expect(response.headers.get('vary')).toContain('Accept-Language');
    const html = await response.text();
    expect(html).toContain(`<html lang="${tag}" dir="${direction}">`);
    expect(html).toContain(`<h1>${title}</h1>`);
  });

  it('is in the language that its address asks for, whatever the browser prefers', async () => {
    const service = await speaking();
    expect(await titleOf(await get(service, '/account/signed-out?lang=ja', 'de'))).toBe(
      'ログアウトしました',
    );
    for (const lang of ['xx', '', '../de', 'DE'])
      expect(await titleOf(await get(service, `/account/signed-out?lang=${lang}`, 'de'))).toBe(
        'Sie sind abgemeldet',
      );
  });

  it('leads to itself in each language, by that language’s own name', async () => {
    const service = await speaking();
    const html = await (await get(service, '/account/signed-out?utm_source=x', 'de')).text();
    for (const [tag, name] of [
      ['de', 'Deutsch'],
      ['pt-BR', 'português (Brasil)'],
      ['ja', '日本語'],
      ['ar', 'العربية'],
    ])
      expect(html).toMatch(
        new RegExp(
          `<a href="/account/signed-out\\?lang=${tag}" lang="${tag}"[^>]*>${name}<`
            .replace('(', '\\(')
            .replace(')', '\\)'),
        ),
      );
    expect(html).not.toContain('utm_source');
  });

  it('keeps the language in all of its links and forms, and where these lead', async () => {
    const service = await speaking();
    const { jar } = await signIn(service, { user_id: USER });
    await service.create({ user_id: USER, client_id: 'app', user_agent: UA.iphone() });
    const response = await send(service, jar, 'GET', '/account?lang=de', NAVIGATION);
    const html = await response.text();
    const addresses = [...html.matchAll(/(?:href|action)="(\/account(?:[/?][^"]*)?)"/g)]
      .map(([, address]) => address as string)
      .filter((address) => !/icon\.svg|style\.css/.test(address));
    expect(addresses.length).toBeGreaterThan(8);
    expect(addresses.filter((address) => !/[?&]lang=/.test(address))).toEqual([]);
    const [, action = ''] = /action="([^"]*sessions[^"]*)"/.exec(html) ?? [];
    const done = await send(service, jar, 'POST', action, OWN_FORM);
    expect(done.headers.get('location')).toBe('/account?done=device&lang=de');
    const gone = await send(service, jar, 'POST', '/account/nothing?lang=de', OWN_FORM);
    expect(await titleOf(gone)).toBe('Hier gibt es nichts');
    const left = await send(service, jar, 'POST', '/account/sign-out?lang=de', OWN_FORM);
    expect(left.headers.get('location')).toBe('/account/signed-out?lang=de');
  });

  it('without a language in its address has none in its links', async () => {
    const service = await speaking();
    const { jar } = await signIn(service, { user_id: USER });
    const html = await (
      await send(service, jar, 'GET', '/account', { ...NAVIGATION, 'accept-language': 'de' })
    ).text();
    expect(html).toContain('action="/account/sign-out"');
  });

  it('names devices, places and times in the language, in the zone of the person', async () => {
    const service = await speaking();
    const { jar } = await signIn(service, { user_id: USER });
    const phone = await service.create({ user_id: USER, client_id: 'app' });
    await service.refresh(phone.refresh_token, 'app', { userAgent: UA.iphone(), ...AT.lyon });
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const request = new Request(`${ISSUER}/account`, {
      headers: { cookie, 'accept-language': 'de-AT' },
      cf: { timezone: 'Europe/Vienna' } as RequestInit['cf'],
    });
    const html = await (await service.app.fetch(request, service.env)).text();
    expect(html).toContain('Safari unter iOS');
    expect(html).toContain('Lyon, Frankreich');
    expect(html).toContain('title="1. Jänner 2026 um 01:00 MEZ"');
    expect(html).toContain('Angemeldet <time');
  });

  it('of a sign-in that has to be confirmed, and of one that does not work', async () => {
    const service = await speaking();
    const { browser } = await handOff(service);
    const path = browser.start_url.slice(ISSUER.length);
    const link = { ...NAVIGATION, 'sec-fetch-site': 'cross-site' };
    const asked = await service.request(`${path}&lang=es`, { headers: link });
    expect(asked.headers.get('content-language')).toBe('es');
    const html = await asked.text();
    expect(html).toContain('<h1>¿Continuar con el inicio de sesión?</h1>');
    expect(html).toContain('<bdi>app.sessions.example</bdi>');
    expect(html).toContain('<input type="hidden" name="lang" value="es"');
    const refused = await service.request('/browser/start', {
      method: 'POST',
      headers: { ...NAVIGATION, ...OWN_FORM },
      body: 'code=x&lang=es',
    });
    expect(refused.status).toBe(400);
    expect(await titleOf(refused)).toBe('Este enlace de inicio de sesión no funciona');
    const broken = await service.request('/browser/start?code=x', {
      headers: { ...NAVIGATION, 'accept-language': 'ja' },
    });
    expect(await titleOf(broken)).toBe('このログインリンクは使用できません');
  });

  it('of an error is in the language too, and so is the way to try again', async () => {
    const service = await speaking();
    const { jar } = await signIn(service, { user_id: USER });
    service.database.faults = [{ before: 'D1_ERROR: D1 DB is overloaded.' }];
    const path = '/account/activity?before=7&lang=ar';
    const html = await (await send(service, jar, 'GET', path, NAVIGATION)).text();
    expect(html).toContain('<html lang="ar" dir="rtl">');
    expect(html).toContain('href="/account/activity?before=7&amp;lang=ar"');
  });
});

describe('the files of the languages', () => {
  /** The real files, counted. */
  function counted(answer: (path: string) => Promise<Response>) {
    const asked: string[] = [];
    const fetch = (url: string) => {
      asked.push(new URL(url).pathname);
      return answer(url);
    };
    return { asked, ASSETS: { fetch } as unknown as Fetcher };
  }

  it('are read once by an isolate, and cost no round trip to D1', async () => {
    const { asked, ASSETS } = counted((url) => env.ASSETS.fetch(url));
    const service = await speaking({ ASSETS });
    for (let time = 0; time < 3; time += 1)
      expect(await titleOf(await get(service, '/account/signed-out', 'de'))).toBe(
        'Sie sind abgemeldet',
      );
    expect(asked).toEqual(['/edge-sessions/languages/de.json']);
    expect(service.database.roundTrips).toBe(0);
  });

  it('may be missing altogether: the page is English, and offers nothing else', async () => {
    const html = await (await get(await startWithBrowsers(), '/account/signed-out', 'de')).text();
    expect(html).toContain('<html lang="en" dir="ltr">');
    expect(html).not.toContain('<nav');
  });

  it.each([
    ['that is not there', async () => new Response('', { status: 404 })],
    ['in whose place an app has a page', async () => Response.json({}, HTML)],
  ])('one %s is English, and is not asked for again', async (_, answer) => {
    const { asked, ASSETS } = counted(answer);
    const service = await speaking({ ASSETS });
    for (let time = 0; time < 2; time += 1) {
      const response = await get(service, '/account/signed-out', 'de');
      expect(response.headers.get('content-language')).toBe('en');
      expect(await titleOf(response)).toBe('You are signed out');
    }
    expect(asked).toHaveLength(1);
  });

  it('that cannot be read now are asked for again', async () => {
    let isDown = true;
    const { ASSETS } = counted(async (url) => {
      if (isDown) throw new Error('network');
      return env.ASSETS.fetch(url);
    });
    const service = await speaking({ ASSETS });
    const title = async () => titleOf(await get(service, '/account/signed-out', 'fr'));
    expect(await title()).toBe('You are signed out');
    isDown = false;
    expect(await title()).toBe('Vous êtes déconnecté');
  });
});
const HTML = { headers: { 'content-type': 'text/html' } };

describe('without a fork', () => {
  it('one sentence is replaced, in the languages that the setting names', async () => {
    const TEXTS = JSON.stringify({
      en: { signedOutTitle: 'See you soon' },
      de: { signedOutTitle: 'Bis bald' },
    });
    const service = await speaking({ TEXTS });
    for (const [tag, title] of [
      ['en', 'See you soon'],
      ['de', 'Bis bald'],
      ['fr', 'Vous êtes déconnecté'],
    ])
      expect(await titleOf(await get(service, '/account/signed-out', tag))).toBe(title);
    const html = await (await get(service, '/account/signed-out', 'de')).text();
    expect(html).toContain('Sie haben sich auf diesem Gerät abgemeldet.');
  });

  it('a language is added; what it lacks is said in English', async () => {
    const TEXTS = JSON.stringify({ nl: { signedOutTitle: 'U bent uitgelogd' } });
    const html = await (
      await get(await startWithBrowsers({ TEXTS }), '/account/signed-out', 'nl-BE')
    ).text();
    expect(html).toContain('<html lang="nl" dir="ltr">');
    expect(html).toContain('<h1>U bent uitgelogd</h1>');
    expect(html).toContain('You have signed out on this device.');
  });

  it('the languages are chosen, and the first is for whoever speaks none of them', async () => {
    const service = await speaking({ LANGUAGES: 'de, ja' });
    expect(await titleOf(await get(service, '/account/signed-out', 'fr'))).toBe(
      'Sie sind abgemeldet',
    );
    const html = await (await get(service, '/account/signed-out')).text();
    expect([...html.matchAll(/hreflang="([^"]+)"/g)].map(([, tag]) => tag)).toEqual(['de', 'ja']);
  });

  it.each([
    [{ de: { devicesTitel: 'x' } }, 'de.devicesTitel is no text of the pages'],
    [{ de: { toString: 'x' } }, 'de.toString is no text of the pages'],
    [{ nl: { cancel: { other: 'x' } } }, 'nl.cancel has no plural'],
    [{ en: { signIns: '{count}' } }, 'en.signIns has to have its plural, with "other"'],
    [{ en: { signIns: { one: 'x' } } }, 'en.signIns has to have its plural, with "other"'],
    [{ de: { signedInAt: 'Seit {wann}' } }, 'de.signedInAt has no {wann}'],
    [{ de: { signIns: { one: '{n}', other: '{count}' } } }, 'de.signIns has no {n}'],
  ])('%j would be said as it is, or break a page: TEXTS: %s', async (texts, mistake) => {
    const TEXTS = JSON.stringify(texts);
    await expect(startWithBrowsers({ TEXTS })).rejects.toThrow(`TEXTS: ${mistake}`);
  });

  it('what stands in braces may be left out, and HTML is text', async () => {
    const TEXTS = JSON.stringify({ en: { signedOutTitle: 'Bye <b>', signedInAt: 'Signed in' } });
    const html = await (await get(await speaking({ TEXTS }), '/account/signed-out')).text();
    expect(html).toContain('<h1>Bye &lt;b&gt;</h1>');
    expect(findTextMistakes(FILES)).toEqual([]);
  });

  it.each([
    [{ TEXTS: '{' }, 'TEXTS is not JSON'],
    [{ TEXTS: '7' }, 'TEXTS: value: expected Object'],
    [{ TEXTS: '{"de":{"cancel":1}}' }, 'TEXTS: de.cancel: expected (string | Object)'],
    [{ TEXTS: '{"de":{"cancel":"a","cancel":"b"}}' }, 'TEXTS: an object has "cancel" twice'],
    [{ LANGUAGES: 'de,../x' }, 'LANGUAGES and TEXTS: "../x" is no tag like de or pt-BR'],
    [{ TEXTS: '{"Deutsch":{}}' }, 'LANGUAGES and TEXTS: "Deutsch" is no tag like de or pt-BR'],
  ])('%j is a mistake: %s', (setting, mistake) => {
    const mistakes: string[] = [];
    parsePageTexts(setting as unknown as Parameters<typeof parsePageTexts>[0], mistakes);
    expect(mistakes).toEqual([mistake]);
  });
});
