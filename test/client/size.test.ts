import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import t from 'tap';

const LIMIT = 3_000;

/** The compressed size of an entry with all its imports, in bytes. */
async function sizeOf(name: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [`client/src/${name}.ts`],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  const [code] = outputFiles;
  const bytes = gzipSync(code?.contents ?? '', { level: 9 }).length;
  t.comment(`${name}: ${code?.contents.length} bytes minified, ${bytes} compressed`);
  return bytes;
}

t.test('the main entry of the client has fewer than 3,000 bytes, compressed', async (t) => {
  const bytes = await sizeOf('index');
  t.ok(bytes > 0 && bytes < LIMIT, `${bytes} bytes`);
});

t.test('the entries for bound tokens and for cookies have 3,000 to 4,500 bytes, compressed', async (t) => {
  for (const name of ['dpop', 'cookie']) {
    const bytes = await sizeOf(name);
    t.ok(bytes > LIMIT && bytes < 1.5 * LIMIT, `${name}: ${bytes} bytes`);
  }
});
