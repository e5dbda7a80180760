import { databaseTest, serviceOnDatabase } from '../../support/service-on-database.ts';

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36';
const KEY = { 'idempotency-key': 'the-key-of-the-retry' };
const FAR = { 'x-forwarded-for': '203.0.113.9' };
const http = { trustProxy: ['127.0.0.1'] };

databaseTest('a retry by key from another product ends the session, from any network', async (t, sql) => {
  const policy = { onUserAgentChange: 'block', onAddressChange: 'ignore' } as const;
  const service = await serviceOnDatabase(t, sql, { policy, http });
  const agents = ['curl/8', '', `${CHROME} Edg/120.0`, CHROME.slice(0, 40), `${CHROME}${' x'.repeat(400)}`];
  for (const agent of agents) {
    for (const network of [{}, FAR]) {
      const first = await service.open({ headers: { 'user-agent': CHROME } });
      const next = await service.next(first, { 'user-agent': CHROME, ...KEY });
      const retry = { 'user-agent': agent, ...network, ...KEY };
      const answer = await service.post('/auth/refresh', first, retry);
      t.match(answer, { status: 401, body: { code: 'user_agent_changed' } }, agent);
      t.equal((await service.post('/auth/refresh', next, { 'user-agent': CHROME })).status, 401, agent);
    }
  }
  const first = await service.open({ headers: { 'user-agent': CHROME } });
  const next = await service.next(first, { 'user-agent': CHROME, ...KEY });
  const newer = { 'user-agent': CHROME.replaceAll('120', '121'), ...KEY };
  t.same(await service.next(first, newer), next, 'an update of the browser keeps the product');
});

databaseTest('another spelling of an IPv6 address is not another network', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy: { onAddressChange: 'block' }, http });
  const from = (address: string) => ({ 'x-forwarded-for': address });
  let pair = await service.open({ headers: from('2001:db8::9') });
  const same = [
    '2001:0db8:0:0:0:0:0:9',
    '2001:DB8::9',
    '[2001:db8::9]',
    '[2001:db8::9]:443',
    '2001:db8::a:b:c:d',
  ];
  for (const address of same) pair = await service.next(pair, from(address));
  for (const address of ['2001:db8:0:1::9', '203.0.113.9', '203.0.113.9:61598', '::ffff:203.0.113.9']) {
    const answer = await service.post('/auth/refresh', pair, from(address));
    t.match(answer, { status: 401, body: { code: 'address_changed' } }, address);
  }
  t.equal((await service.post('/auth/refresh', pair, from('2001:db8::9'))).status, 200, 'the session lives');
});
