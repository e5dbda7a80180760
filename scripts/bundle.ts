import type { BuildOptions, Plugin } from 'esbuild';

/** The entries of the program. It starts the worker thread by its path. */
export const PROGRAM = ['src/main.ts', 'src/adapters/postgres/embedded/worker.ts'];

/** The libraries that every start loads. */
const INCLUDED = [
  'fastify',
  '@fastify/cookie',
  '@fastify/env',
  '@fastify/formbody',
  '@fastify/swagger',
  'close-with-grace',
  'commander',
  'jose',
  'postgres',
  'prom-client',
  'postgrator',
  'bowser',
];

/** Included CommonJS packages call `require`, which does not exist in a module. */
const REQUIRE =
  "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

/** Leaves every package that is imported by our own sources out of the bundle, except the included ones. */
function packages(included: readonly string[]): Plugin {
  return {
    name: 'packages',
    setup({ onResolve }) {
      onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
        if (kind === 'entry-point' || importer.includes('/node_modules/') || included.includes(path))
          return null;
        return { path, external: true };
      });
    },
  };
}

/**
 * Options of esbuild for programs that Node.js runs. Their code is in one file for each set of entries that shares it.
 * `alsoIncluded` are further packages in the bundle.
 */
export function bundleOptions(alsoIncluded: readonly string[] = []): BuildOptions {
  return {
    chunkNames: 'shared/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcesContent: false,
    banner: { js: REQUIRE },
    plugins: [packages([...INCLUDED, ...alsoIncluded])],
    logLevel: 'warning',
  };
}
