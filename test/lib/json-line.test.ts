import fc from 'fast-check';
import t from 'tap';
import { jsonLine } from '../../src/lib/json-line.ts';

/** Every character at which a reader of lines may split: Python, for one, splits at all of them. */
const LINE_ENDS = [...'\n\v\f\r\u001c\u001d\u001e\u0085\u2028\u2029'];

t.test('any value is one line, and is read as it was', async (t) => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('=cmd()', '\n{"id":1}\r\n', 'a\u2028b\u2029c', '\u0085', 'a\u0000b', '"\\', '\ud800'),
  );
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text))), (value) => {
      const line = jsonLine(value);
      const isOne = line.endsWith('\n') && !LINE_ENDS.some((end) => line.slice(0, -1).includes(end));
      return isOne && JSON.stringify(JSON.parse(line)) === JSON.stringify(value);
    }),
    { numRuns: 1_000 },
  );
  t.equal(jsonLine({ name: 'a\u2028b' }), '{"name":"a\\u2028b"}\n');
});
