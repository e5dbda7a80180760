/**
 * Prepares the coverage of the test processes for `c8 report`. Removes scripts that have none of our own sources. Adds
 * the source maps, which the test processes did not read.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { globSync } from 'tinyglobby';

interface Recorded {
  readonly result: readonly { readonly url: string }[];
}

interface SourceMap {
  readonly sources: readonly string[];
}

const COVERAGE = '.build/coverage';
const SOURCES = /^(src|client\/src|console\/src|packages\/[^/]+\/src)\//;

const maps = new Map(globSync('.build/all/**/*.js.map', { followSymbolicLinks: false }).flatMap(mapOf));
for (const name of readdirSync(COVERAGE)) {
  const file = join(COVERAGE, name);
  const { result } = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
  writeFileSync(file, JSON.stringify({ result: result.filter(({ url }) => maps.has(url)) }));
}
const cache = { result: [], 'source-map-cache': Object.fromEntries(maps) };
writeFileSync(join(COVERAGE, 'source-maps.json'), JSON.stringify(cache));

/** The source map by the URL of its file, with absolute paths. Nothing if the file has none of our own sources. */
function mapOf(file: string): [string, { data: SourceMap }][] {
  const map = JSON.parse(readFileSync(file, 'utf8')) as SourceMap;
  const sources = map.sources.map((source) => resolve(dirname(file), source));
  const texts = sources.map((source) => (isOwn(source) ? readFileSync(source, 'utf8') : ''));
  if (!sources.some(isOwn)) return [];
  const url = pathToFileURL(file.replace(/\.map$/, '')).href;
  return [[url, { data: { ...map, sources, sourcesContent: texts } as SourceMap }]];
}

function isOwn(source: string): boolean {
  return SOURCES.test(relative('.', source));
}
