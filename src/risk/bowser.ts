/**
 * What Bowser knows of browsers and systems: two of its four lists, asked as its own parser asks
 * them. The parser would bring those of devices and engines too, an eighth of what all other
 * packages of the Worker weigh together.
 */
import browsers from 'bowser/src/parser-browsers.js';
import systems from 'bowser/src/parser-os.js';

interface Found {
  name?: string;
  version?: string;
}

/** Of a user agent without client hints. */
interface Asked {
  test: (pattern: RegExp) => boolean;
  hasBrand: (brand: string) => boolean;
  getBrandVersion: (brand: string) => undefined;
  getUA: () => string;
}

export interface Descriptor {
  test: readonly RegExp[] | ((asked: Asked) => boolean);
  describe: (userAgent: string, asked: Asked) => Found;
}

export const findBrowser = (userAgent: string) => find(browsers, userAgent);
export const findSystem = (userAgent: string) => find(systems, userAgent);

function find(descriptors: readonly Descriptor[], userAgent: string): Found {
  const asked: Asked = {
    test: (pattern) => pattern.test(userAgent),
    hasBrand: () => false,
    getBrandVersion: () => undefined,
    getUA: () => userAgent,
  };
  const found = descriptors.find(({ test }) =>
    typeof test === 'function' ? test(asked) : test.some(asked.test),
  );
  return found?.describe(userAgent, asked) ?? {};
}
