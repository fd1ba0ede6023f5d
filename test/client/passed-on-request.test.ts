/**
 * What a service worker of one's own origin passed on: only `Referer` tells whose page it is of.
 * The verifier for APIs, the start of a session, the page for people and the gateway go by it.
 */
import { describe, expect, it } from 'vitest';
import { isPassedOn, isRefererOf } from '../../src/client/verify/passed-on-request';

const OWN = 'https://app.example';
const OTHER = 'https://other.example:8443';

describe('a request is passed on by a service worker', () => {
  it.each([
    ['navigate', 'empty', true],
    ['navigate', 'document', false],
    ['navigate', 'iframe', false],
    ['navigate', null, false],
    ['same-origin', 'empty', true],
    ['same-origin', null, true],
    ['same-origin', 'worker', false],
    ['cors', 'empty', false],
    [null, 'empty', false],
    [null, null, false],
  ])('mode %s, destination %s: %s', (mode, destination, expected) => {
    const headers = { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination };
    expect(isPassedOn(headers)).toBe(expected);
  });
});

describe('Referer names a page of one of the origins', () => {
  it.each([
    [`${OWN}/`, true],
    [OWN, true],
    [`${OTHER}/deep/page.html?a=b`, true],
    // A query says nothing of what is there: the page of a file is a page.
    [`${OWN}/editor?file=app.js`, true],
    [`${OWN}/editor?next=/app.js?v=1`, true],
    [`${OWN}/app.js/`, true],
    [`${OWN}/jsjs`, true],
    // A worker's script, with any query.
    [`${OWN}/sw.js`, false],
    [`${OWN}/sw.mjs`, false],
    [`${OWN}/SW.JS?v=2`, false],
    [`${OWN}/sw.js?page=/`, false],
    ['https://app.example.evil.example/', false],
    [`https://evil.example/?${OWN}/`, false],
    ['https://other.example/', false],
    ['http://app.example/', false],
    ['no URL', false],
    ['', false],
    [null, false],
  ])('%s: %s', (referer, expected) => {
    expect(isRefererOf({ referer }, [OWN, OTHER])).toBe(expected);
  });
});
