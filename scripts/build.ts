/**
 * `npm run build`: bundles the program into dist/main.js, the code that it loads later into dist/shared/, and the console
 * into dist/console/.
 *
 * The bundle includes the libraries that every start loads. Without it, a start loads hundreds of files one
 * by one, takes twice as long and uses a tenth more memory. All other libraries stay in node_modules.
 */
import { rmSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';
import { buildConsole } from './build-console.ts';

const PROGRAM = 'main';
/** The worker thread, which the program starts by its path. */
const THREAD = 'adapters/postgres/embedded/worker';

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

/** Leaves every package that is imported by our own sources out of the bundle, except the included ones. */
const packages: Plugin = {
  name: 'packages',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      if (kind === 'entry-point' || importer.includes('/node_modules/') || INCLUDED.includes(path))
        return null;
      return { path, external: true };
    });
  },
};

/** Included CommonJS packages call `require`, which does not exist in a module. */
const REQUIRE =
  "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: [PROGRAM, THREAD].map((name) => `src/${name}.ts`),
  outbase: 'src',
  outdir: 'dist',
  chunkNames: 'shared/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'linked',
  banner: { js: REQUIRE },
  plugins: [packages],
  logLevel: 'warning',
});
await buildConsole('dist/console');
