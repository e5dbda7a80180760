import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import t from 'tap';

const LIMIT = 3_000;

t.test('the whole client is small', async (t) => {
  const entry = fileURLToPath(new URL('../../client/src/index.ts', import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  const [code] = outputFiles;
  const bytes = gzipSync(code?.contents ?? '', { level: 9 }).length;
  t.ok(bytes > 0 && bytes < LIMIT, `${bytes} bytes`);
  t.comment(`client: ${code?.contents.length} bytes minified, ${bytes} compressed`);
});
