import { PassThrough } from 'node:stream';
import t from 'tap';
import { write } from '../../src/cli/write.ts';

t.test(
  'a write waits while the buffer of its output is full, and does not wait while the buffer has room',
  async (t) => {
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
  },
);
