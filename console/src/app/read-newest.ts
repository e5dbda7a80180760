import { call } from './api.ts';

interface Page {
  readonly data: readonly unknown[];
  readonly nextCursor?: string;
}

/** The maximum number of pages that are read. A page has 100 events. */
const MOST_PAGES = 10;

/** Reads the newest events at this path, at most 1,000, newest first. `isCut`: there are older events. */
export async function readNewest<P extends Page>(
  path: string,
  filter: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ readonly pages: readonly P[]; readonly isCut: boolean }> {
  const pages: P[] = [];
  let cursor: string | undefined;
  do {
    const more = cursor === undefined ? {} : { cursor };
    const query = new URLSearchParams({ ...filter, order: 'newest', limit: '100', ...more });
    const page: P = await call('GET', `${path}?${query}`, { signal });
    pages.push(page);
    cursor = page.nextCursor;
  } while (cursor !== undefined && pages.length < MOST_PAGES);
  return { pages, isCut: cursor !== undefined };
}
