import t from 'tap';
import { isMailbox } from '../../src/domain/mailbox.ts';
import { networkOf } from '../../src/domain/network.ts';
import { decodeUserAgent, productOf } from '../../src/domain/user-agent.ts';

t.test('each address belongs to its network', async (t) => {
  for (const [address, network] of [
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0000::', '2001:db8:0:0::/64'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.9', 'loopback'],
    ['12.7.0.1', '12.7.0.1'],
    ['::2', '0:0:0:0::/64'],
    ['1::1', '1:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3::6', '2001:db8:1:2::/64'],
  ] as const) {
    t.equal(networkOf(address), network, address);
  }
});

t.test('a product has the names of the user agent without versions and comments', async (t) => {
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0';
  t.equal(productOf(firefox), 'Mozilla Gecko Firefox');
  t.equal(productOf(firefox.replaceAll('120', '121')), productOf(firefox));
  t.not(
    productOf('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120 Safari/537.36'),
    productOf(firefox),
  );
  t.equal(productOf('curl/8.5.0'), 'curl');
  t.equal(productOf('Odd (a (nested) comment) Thing/1 )'), 'Odd Thing');
  t.equal(productOf('  '), '');
});

t.test('a token that is only a version is no product', async (t) => {
  for (const version of ['312.0', '313', '313.0.0.36.71', 'v2.1', '3.0.0-beta.2', '1.0+build-7', '313.0/en'])
    t.equal(productOf(`Mozilla/5.0 (iPhone) Mobile/15E148 Instagram ${version}`), 'Mozilla Mobile Instagram');
  for (const name of ['360SE', '3CX', 'v', 'v8engine', 'x1', 'iOS17'])
    t.equal(productOf(`Instagram ${name}`), `Instagram ${name}`);
  for (const version of ['1,2', '1.2.3b4', '2024.11.01_rc1', '1_3', '1.2.beta', '312.0;'])
    t.equal(productOf(`App ${version} Mobile`), 'App Mobile', version);
  t.equal(productOf('312.0'), '');
});

t.test('a user agent in UTF-8 is decoded, any other is unchanged', async (t) => {
  const asHeader = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
  for (const text of ['X\u2013Y/1', 'Caf\u00e9/2', '\u540d\u524d/1.0', 'App \u{1f600}/3', 'curl/8.5.0', '']) {
    t.equal(decodeUserAgent(asHeader(text)), text, text);
    t.equal(decodeUserAgent(text), text, `${text}: a second decoding changes nothing`);
    t.equal(productOf(asHeader(text)), productOf(text), `${text}: an older row stores it undecoded`);
  }
  for (const header of ['Caf\xe9/2', 'X\xff\x85', 'X\xe2\x80', 'X\xc0\x80', 'X\xed\xa0\x80'])
    t.equal(decodeUserAgent(header), header, JSON.stringify(header));
});

t.test('only a plain mailbox is accepted', async (t) => {
  for (const address of [
    'ann@example.com',
    "o'neil+news@sub.example.co.uk",
    'a@b.cd',
    `${'a'.repeat(64)}@example.com`,
  ]) {
    t.ok(isMailbox(address), address);
  }
  for (const address of [
    '',
    'ann',
    '@example.com',
    'ann@',
    'ann@localhost',
    'ann@example.com\r\nBcc: eve@example.com',
    'ann@example.com,eve@example.com',
    '"ann@home"@example.com',
    'Ann <ann@example.com>',
    'ann@exa mple.com',
    'ann..b@example.com',
    '.ann@example.com',
    'ann@-example.com',
    'ann@example.com.',
    'ann@[127.0.0.1]',
    'ann@\u0000example.com',
    `${'a'.repeat(65)}@example.com`,
    `ann@${'a.'.repeat(130)}com`,
  ]) {
    t.notOk(isMailbox(address), JSON.stringify(address));
  }
});
