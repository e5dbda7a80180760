import t from 'tap';
import { withAsciiDomain, withUnicodeDomain } from '../../src/lib/domain-names.ts';

t.test('all spellings of an international domain have one ASCII form', async (t) => {
  for (const [typed, stored] of [
    ['ann@bücher.example', 'ann@xn--bcher-kva.example'],
    ['Ann@BÜCHER.Example', 'Ann@xn--bcher-kva.example'],
    ['ann@bu\u0308cher.example', 'ann@xn--bcher-kva.example'],
    ['ann@XN--bcher-kva.example', 'ann@xn--bcher-kva.example'],
    ['ann@почта.рф', 'ann@xn--80a1acny.xn--p1ai'],
    ['ann@例え。テスト', 'ann@xn--r8jz45g.xn--zckzah'],
    ['ann@faß.example', 'ann@xn--fa-hia.example'],
  ] as const) {
    t.equal(withAsciiDomain(typed), stored, typed);
    t.equal(withAsciiDomain(stored), stored);
    t.equal(withAsciiDomain(withUnicodeDomain(stored)), stored);
  }
  t.equal(withUnicodeDomain('ann@xn--bcher-kva.example'), 'ann@bücher.example');
});

t.test('other text stays as it is, and an invalid domain becomes empty', async (t) => {
  for (const text of [
    'ann',
    'Ann@Example.com',
    '@bücher.example',
    'ann@0x7f.1',
    'bücher',
    'a@b/ü',
    'a@ü:80',
  ]) {
    t.equal(withAsciiDomain(text), text);
    t.equal(withUnicodeDomain(text), text);
  }
  t.equal(withAsciiDomain('ann@xn--a.example'), 'ann@');
});
