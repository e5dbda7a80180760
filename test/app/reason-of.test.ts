import t from 'tap';
import { reasonOf } from '../../src/app/delivery/reason-of.ts';

t.test('a reason is cut to text that PostgreSQL accepts in JSON', async (t) => {
  for (const text of [`${'x'.repeat(499)}😀`, 'half \ud83d', '\ude00 half']) {
    const reason = reasonOf(new Error(text));
    t.notMatch(reason, /\p{Cs}/u);
    t.ok(reason.includes('\ufffd') && reason.length <= 500);
  }
  t.equal(reasonOf(new Error('whole 😀')), 'whole 😀');
});

t.test('a reason is one line without mail addresses', async (t) => {
  t.equal(reasonOf(new Error('550 <ann@example.com>:\r\n\tno such user')), '550 <[address]>: no such user');
});
