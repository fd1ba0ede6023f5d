/**
 * Finds browsers and systems by Bowser's lists: two of its four, asked as its own parser asks them.
 * The parser would bring those of devices and engines too, an eighth of what all other packages of
 * the Worker weigh together.
 */
import browsers from 'bowser/src/parser-browsers.js';
import systems from 'bowser/src/parser-os.js';

interface Found {
  name?: string;
  version?: string;
}

/** The interface of Bowser's parser that its lists use, for a user agent without client hints. */
interface ListedParser {
  test: (pattern: RegExp) => boolean;
  hasBrand: (brand: string) => boolean;
  getBrandVersion: (brand: string) => undefined;
  getUA: () => string;
}

export interface Descriptor {
  test: readonly RegExp[] | ((parser: ListedParser) => boolean);
  describe: (userAgent: string, parser: ListedParser) => Found;
}

export const findBrowser = (userAgent: string) => find(browsers, userAgent);
export const findSystem = (userAgent: string) => find(systems, userAgent);

function find(descriptors: readonly Descriptor[], userAgent: string): Found {
  const parser: ListedParser = {
    test: (pattern) => pattern.test(userAgent),
    hasBrand: () => false,
    getBrandVersion: () => undefined,
    getUA: () => userAgent,
  };
  const found = descriptors.find(({ test }) =>
    typeof test === 'function' ? test(parser) : test.some(parser.test),
  );
  return found?.describe(userAgent, parser) ?? {};
}
