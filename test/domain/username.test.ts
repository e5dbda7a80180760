import t from 'tap';
import { usernameFault } from '../../src/domain/username.ts';

for (const name of [
  'ann',
  '42',
  'Ann.Lee+test_1-2',
  'ann@example.com',
  'größe',
  'Đặng',
  'Анна',
  'Άννα',
  'שָׁלוֹם',
  'मेघा',
  'ann太郎たろうタロウ',
  'ann小明',
  'ann민준',
  'ᏣᎳᎩ',
  'ﬁona',
]) {
  t.test(`a new account may be named ${name}`, async (t) => t.equal(usernameFault(name), null));
}

for (const [name, why, fault] of [
  ['', 'is empty', /at most 150/],
  ['a'.repeat(151), 'is too long', /at most 150/],
  ['ann lee', 'has a space', /letters, digits/],
  ['admin\u3164', 'ends with a Hangul filler', /invisible|letters/],
  ['admin\u200b', 'has a zero width space', /letters|invisible/],
  ['ad\u034fmin', 'has a combining grapheme joiner', /invisible/],
  ['.ann', 'begins with a full stop', /begin with a letter/],
  ['\u0301ann', 'begins with a mark', /begin with a letter/],
  [`a${'\u0301'.repeat(4)}`, 'has four marks on a letter', /three marks/],
  ['аdmin', 'mixes Cyrillic and Latin', /mix scripts/],
  ['adminα', 'mixes Greek and Latin', /mix scripts/],
  ['たろう민준', 'mixes Japanese and Korean', /mix scripts/],
] as const) {
  t.test(`a name that ${why} is refused`, async (t) => {
    t.match(usernameFault(name), fault);
  });
}
