import t from 'tap';
import { formatTable } from '../../src/cli/table.ts';

const ROWS = [
  ['check', 'state', 'found', 'how to mend it'],
  [
    'database',
    'fail',
    'the server refuses the password of the role kinship',
    'correct the variable DATABASE_URL',
  ],
];

t.test('a table has a line for each row, and its columns are aligned', (t) => {
  t.equal(
    formatTable(ROWS),
    'check     state  found                                                how to mend it\n' +
      'database  fail   the server refuses the password of the role kinship  correct the variable DATABASE_URL\n',
  );
  t.equal(formatTable(ROWS, 200), formatTable(ROWS));
  t.end();
});

t.test('the text of a table that is too wide is wrapped within its column', (t) => {
  t.equal(
    formatTable(ROWS, 62),
    'check     state  found                  how to mend it\n' +
      'database  fail   the server refuses     correct the variable\n' +
      '                 the password of the    DATABASE_URL\n' +
      '                 role kinship\n',
  );
  t.end();
});

t.test('a word that is longer than its column stays whole', (t) => {
  const path = 'postgres://kinship@database.example.com:5432/kinship';
  t.match(formatTable([['a', `see ${path} now`]], 30), `\n   ${path}\n   now\n`);
  t.end();
});
