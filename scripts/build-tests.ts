import { cp, rm, symlink } from 'node:fs/promises';
import { relative } from 'node:path';
import { build } from 'esbuild';
import { globSync } from 'tinyglobby';
import { buildConsole } from './build-console.ts';
import { bundleOptions, PROGRAM } from './bundle.ts';
import { writeEmbeddedArchive } from './embedded-archive.ts';

const VERIFY = '@kinship/verify';

/** Programs and modules that test processes load by path. */
const LOADED = [
  'src/config.ts',
  'src/adapters/postgres/{connect,embedded/lock,embedded/start}.ts',
  'src/adapters/telemetry/log.ts',
  'src/main/stop-signals.ts',
  'test/support/{heap-probe,private-postgres,process}.ts',
  'test/faults/support/offline-verifier.ts',
];

/**
 * Bundles these test files, and the program that they start, into a folder with the layout of the package: `dist/`,
 * `migrations/` and `package.json`. Code that several files use is bundled once. So a test loads tens of files instead
 * of hundreds, and no process transpiles.
 *
 * The source maps stay separate, because a process that finds them reads them for each stack trace and for its
 * coverage.
 */
export async function buildTests(files: readonly string[], folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await build({
    ...bundleOptions(['tap', VERIFY]),
    // The packages for frameworks and the tests must share the classes of this one.
    alias: { [VERIFY]: './packages/verify/src/index.ts' },
    entryPoints: [
      ...[...files, ...globSync(LOADED)].map((file) => ({ in: file, out: withoutExtension(file) })),
      ...PROGRAM.map((file) => ({ in: file, out: withoutExtension(file).replace(/^src/, 'dist') })),
    ],
    outdir: folder,
    sourcemap: 'external',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
  await cp('package.json', `${folder}/package.json`);
  await symlink(relative(folder, 'migrations'), `${folder}/migrations`);
  await buildConsole(`${folder}/dist/console`);
  await writeEmbeddedArchive(`${folder}/dist/embedded.tar.gz`);
}

function withoutExtension(file: string): string {
  return file.replace(/\.ts$/, '');
}
