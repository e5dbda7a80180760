/**
 * `npm run build`: the program in dist/main.js, and what it loads later in dist/shared/.
 *
 * The libraries that every start loads are put in with it: found, read and compiled one by one, their hundreds of
 * files would be half of the start and a tenth of the memory. The others stay packages, and are loaded as ever.
 */
import { rmSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';

const PROGRAM = 'main';
/** A thread of its own, which its parent starts by its path. */
const THREAD = 'adapters/postgres/embedded/worker';

const INCLUDED = [
  'fastify',
  '@fastify/cookie',
  '@fastify/cors',
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

/** An import by a package's name, from our own sources. */
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

/** CommonJS among them asks for `require`, which a module has not. */
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
