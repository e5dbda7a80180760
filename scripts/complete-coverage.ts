/**
 * Completes the coverage that tap recorded: it leaves the text of the sources out of their source maps, and writes null
 * in its place. Without the member, the report reads the text from the files.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

interface Recorded {
  readonly 'source-map-cache'?: Readonly<
    Record<string, { readonly data: { sourcesContent?: unknown } | null }>
  >;
}

const FOLDER = new URL('../.tap/coverage/', import.meta.url);

for (const name of readdirSync(FOLDER)) {
  const file = new URL(name, FOLDER);
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
  for (const { data } of Object.values(recorded['source-map-cache'] ?? {})) delete data?.sourcesContent;
  writeFileSync(file, JSON.stringify(recorded));
}
