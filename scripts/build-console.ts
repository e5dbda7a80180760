import { build } from 'esbuild';

/** Bundles the console into `app.js` and `app.css` of this folder. Runs in the root of the repository. */
export async function buildConsole(folder: string): Promise<void> {
  await build({
    entryPoints: [
      { in: 'console/src/app/main.tsx', out: 'app' },
      { in: 'console/src/app/app.css', out: 'app' },
    ],
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
    tsconfig: 'console/tsconfig.json',
    legalComments: 'linked',
    logLevel: 'warning',
  });
}
