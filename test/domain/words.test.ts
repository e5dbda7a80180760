import t from 'tap';
import { isMailbox } from '../../src/domain/mailbox.ts';
import { networkOf } from '../../src/domain/network.ts';
import { productOf } from '../../src/domain/user-agent.ts';

t.test('networks', async (t) => {
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

t.test('products', async (t) => {
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

t.test('mailboxes', async (t) => {
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
