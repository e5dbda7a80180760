/**
 * `npm run build`: bundles the program into dist/main.js, the code that it loads later into dist/shared/, and the
 * console into dist/console/. The archive of an empty embedded database is dist/embedded.tar.gz.
 *
 * The bundle includes the libraries that every start loads. Without it, a start loads hundreds of files one by one,
 * takes twice as long and uses a tenth more memory. All other libraries stay in node_modules.
 */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';
import { buildConsole } from './build-console.ts';
import { bundleOptions, PROGRAM } from './bundle.ts';
import { writeEmbeddedArchive } from './embedded-archive.ts';

rmSync('dist', { recursive: true, force: true });
await build({
  ...bundleOptions(),
  entryPoints: PROGRAM,
  outbase: 'src',
  outdir: 'dist',
  sourcemap: true,
  legalComments: 'linked',
});
await buildConsole('dist/console');
await writeEmbeddedArchive('dist/embedded.tar.gz');
