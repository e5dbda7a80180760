import { PassThrough } from 'node:stream';
import t from 'tap';
import { write } from '../../src/cli/write.ts';

t.test('a writer waits for a slow reader, and does not wait for a fast reader', async (t) => {
  const output = new PassThrough({ highWaterMark: 4 });
  await write('abc', output);
  let isWritten = false;
  const writing = write('defgh', output).then(() => {
    isWritten = true;
  });
  await new Promise(setImmediate);
  t.equal(isWritten, false);
  t.equal(String(output.read()), 'abcdefgh');
  await writing;
  t.equal(isWritten, true);
});
