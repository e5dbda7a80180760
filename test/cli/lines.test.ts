import { Readable } from 'node:stream';
import t from 'tap';
import { countLines } from '../../src/cli/users/lines.ts';

t.test('blank lines do not count, and a last line without a line end does', async (t) => {
  const cases: Record<string, number> = { '': 0, a: 1, 'a\n': 1, 'a\nb': 2, 'a\n\n\r\nb\n  \n': 2 };
  for (const [text, count] of Object.entries(cases))
    t.equal(await countLines(Readable.from([Buffer.from(text)])), count, JSON.stringify(text));
});
