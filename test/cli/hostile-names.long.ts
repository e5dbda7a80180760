import t from 'tap';
import { userLine, usersCommand } from '../support/users-command.ts';

/** Names with formulas of a spreadsheet, line separators, and parts of JSON, SQL, HTML and CSV. */
const NAMES = ['=cmd()', '@SUM(1)', 'a\u2028{"id":1}', 'b\u2029c', '"},{"', "'; --", '<script>', 'x,y\\'];

t.test('each hostile name stays one record of each export, and is read unchanged', async (t) => {
  const service = await usersCommand(t);
  if (service === null) return;
  const { run } = service;
  const lines = NAMES.map((username, index) => userLine({ username, email: `user${index}@example.com` }));
  const wanted = NAMES.filter((name) => !name.includes('@'));
  const imported = await run(['import', '-'], lines.join('\n'));
  t.match(imported, { code: 1, errors: /^line 2: username must not be an address/m });

  for (const args of [['export'], ['list', '--json']]) {
    const { output } = await run(args);
    t.notMatch(output, /[\u0085\u2028\u2029]/);
    const records = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    t.same(records.map(({ username }) => username).sort(), wanted.toSorted(), args.join(' '));
  }
  const again = await run(['import', '-'], (await run(['export'])).output);
  t.match(again.output, new RegExp(`^0 users imported, ${wanted.length} unchanged`));
  const table = (await run(['list'])).output;
  t.equal(table.trimEnd().split(/[\n\u0085\u2028\u2029]/).length, wanted.length + 1);
});
