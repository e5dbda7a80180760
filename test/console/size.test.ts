import { gzipSync } from 'node:zlib';
import t from 'tap';
import { builtConsole } from '../support/built-console.ts';

const LIMIT = 60_000;

t.test('the whole console has fewer than 60,000 bytes, compressed', async (t) => {
  const files = await builtConsole(t.testdir());
  const bytes = Object.values(files).reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  t.ok(bytes > 0 && bytes < LIMIT, `${bytes} bytes`);
  t.comment(`console: ${bytes} bytes compressed`);
});
