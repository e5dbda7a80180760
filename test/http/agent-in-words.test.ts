import t from 'tap';
import { describeDevice, describeUserAgent } from '../../src/adapters/http/server/describe-user-agent.ts';

t.test('a user agent is described as browser and system', async (t) => {
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0';
  t.equal(describeUserAgent(firefox), 'Firefox 120 on Linux');
  t.equal(describeUserAgent('curl/8.5.0'), 'curl/8.5.0', 'an unknown user agent is shown unchanged');
  t.equal(describeUserAgent(''), 'unknown');
  t.equal(describeDevice(firefox), 'Firefox 120 on Linux');
  t.equal(describeDevice('curl/8.5.0'), null);
  t.equal(describeDevice('Evil.example/1 (Windows NT 10.0) x'), null, 'a name that the client chose');
});
