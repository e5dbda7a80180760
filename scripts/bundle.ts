import type { BuildOptions, Plugin } from 'esbuild';

/** The entry points of the program: its main file, and the worker thread, which it starts by path. */
export const PROGRAM = ['src/main.ts', 'src/adapters/postgres/embedded/worker.ts'];

/** Libraries that every start loads. Others, such as pino, stay in node_modules. */
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

/** Keeps packages that our own sources import out of the bundle, except the included ones. */
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
 * Options of esbuild for programs that Node.js runs. Code that several entry points share is in files of its own.
 * `alsoIncluded` names further packages in the bundle.
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
