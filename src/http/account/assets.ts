/** The files that the pages load. */
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { readPageQuery } from '../input';
import type { Pages } from './pages';
import { toIcon } from './style';

export function stylesheet({ stylesheet, stylesheetVersion }: Pages) {
  return async function answerStylesheet(c: AppContext): Promise<Response> {
    // Its address changes with it, so it may be kept for ever.
    const { v: version } = readPageQuery(c, ['v']);
    const isCurrent = version === (await stylesheetVersion());
    return c.body(stylesheet, 200, {
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': isCurrent ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
  };
}

export function icon({ config: { brand } }: Service) {
  return function answerIcon(c: AppContext): Response {
    return c.body(toIcon(brand), 200, {
      'Content-Type': 'image/svg+xml',
      'Cache-Control': 'public, max-age=86400',
    });
  };
}
