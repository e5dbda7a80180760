import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createWebhookSender } from '../../src/adapters/webhooks/webhook-sender.ts';
import { errorMessage } from '../../src/lib/errors.ts';
import { RefusedTarget, SenderClosed } from '../../src/ports/delivery/webhook-sender.ts';
import { blackHole } from '../support/black-hole.ts';
import { nameServer } from '../support/name-server.ts';
import { freePort } from '../support/ports.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

const LOOPBACK_IPV6 = [...Buffer.alloc(15), 1];
const CONTENT = { headers: { 'content-type': 'text/plain' }, body: 'an event' };
const strict = createWebhookSender({ allowedNetworks: [] });
const onLoopback = () => createWebhookSender({ allowedNetworks: ['127.0.0.1'], timeouts: { request: 500 } });

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['https://127.0.0.1/', 'https://127.9.9.9/', 'https://[::1]/'],
  private: ['https://10.0.0.1/', 'https://172.16.0.1/', 'https://192.168.1.1/', 'https://[fd00::1]/'],
  'link-local': ['https://169.254.1.1/', 'https://[fe80::1]/'],
  'carrier-grade NAT': ['https://100.64.0.1/'],
  multicast: ['https://224.0.0.1/', 'https://[ff02::1]/'],
  'this network and broadcast': ['https://0.0.0.0/', 'https://255.255.255.255/', 'https://[::]/'],
  metadata: [
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/',
    'https://168.63.129.16/',
    'https://100.100.100.200/',
    'https://192.0.0.192/',
  ],
  'IPv4 in IPv6': [
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a00:1]/',
    'https://[::7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
  ],
  'decimal, octal, hexadecimal and short spellings': [
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'https://0x7f000001/',
    'https://127.1/',
    'https://①②⑦.0.0.1/',
  ],
  userinfo: ['https://user@hooks.example.com/', 'https://:secret@hooks.example.com/'],
  ports: [
    'https://hooks.example.com:0/',
    'https://hooks.example.com:22/',
    'https://hooks.example.com:25/',
    'https://hooks.example.com:6667/',
  ],
  'other schemes': [
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'hooks',
    '',
  ],
  'a fragment': ['https://hooks.example.com/#a'],
};

for (const [kind, urls] of Object.entries(REFUSED))
  t.test(`a URL is refused: ${kind}`, async (t) => {
    for (const url of urls) {
      t.type(strict.refusalOf(url), 'string', url);
      await t.rejects(strict.send({ url, ...CONTENT }), RefusedTarget, url);
    }
  });

t.test('public addresses and names are accepted', async (t) => {
  for (const url of [
    'https://hooks.example.com/a?b=c',
    'https://hooks.example.com:8443/',
    'https://8.8.8.8/',
  ])
    t.equal(strict.refusalOf(url), null, url);
  t.equal(strict.refusalOf('https://[2606:4700::1111]/'), null);
});

t.test('addresses of an allowed network are reached, and addresses next to it are not', async (t) => {
  const sender = createWebhookSender({ allowedNetworks: ['127.0.0.1', '10.1.0.0/16'] });
  const receiver = await webhookReceiver(t);
  t.match(await sender.send({ url: receiver.url, ...CONTENT }), { status: 204 });
  t.match(receiver.requests, [{ body: 'an event', headers: { host: new URL(receiver.url).host } }]);
  t.equal(sender.refusalOf('http://10.1.2.3/'), null);
  t.equal(
    sender.refusalOf('https://10.2.0.1/'),
    '10.2.0.1 is not a public address (private), and no network in WEBHOOKS_ALLOW_PRIVATE contains it',
  );
  t.type(sender.refusalOf(`http://127.0.0.2:${receiver.port}/`), 'string');
});

t.test(
  'the connection goes to the checked address, even if the name resolves to another one afterwards',
  async (t) => {
    const allowed = await webhookReceiver(t, '127.0.0.2');
    const internal = await webhookReceiver(t, '127.0.0.1', allowed.port);
    const answers = ['127.0.0.2'];
    const server = await nameServer(t, () => answers.shift() ?? '127.0.0.1');
    const sender = createWebhookSender({ allowedNetworks: ['127.0.0.2'], nameServers: [server.address] });
    const url = `http://rebound.example:${allowed.port}/hook`;
    t.match(await sender.send({ url, ...CONTENT }), { status: 204 });
    t.same(server.questions, ['rebound.example'], 'the name was resolved once');
    t.match(allowed.requests, [{ headers: { host: `rebound.example:${allowed.port}` } }]);
    await t.rejects(sender.send({ url, ...CONTENT }), RefusedTarget, 'the next attempt sees the new address');
    t.equal(internal.connections(), 0);
  },
);

t.test('a name with an internal IPv6 address or an IPv4-mapped internal address is refused', async (t) => {
  const internal = {
    '::1': '00000000000000000000000000000001',
    '::ffff:127.0.0.1': '00000000000000000000ffff7f000001',
    '::ffff:169.254.169.254': '00000000000000000000ffffa9fea9fe',
    'fd00::1': 'fd000000000000000000000000000001',
    '64:ff9b::127.0.0.1': '0064ff9b00000000000000007f000001',
  };
  for (const [address, bytes] of Object.entries(internal)) {
    const server = await nameServer(t, () => '', [...Buffer.from(bytes, 'hex')]);
    const sender = createWebhookSender({ allowedNetworks: [], nameServers: [server.address] });
    await t.rejects(sender.send({ url: 'https://hooks.example/', ...CONTENT }), RefusedTarget, address);
  }
});

t.test('if an address accepts no connection, the next address of the name gets the request', async (t) => {
  const receiver = await webhookReceiver(t, '127.0.0.3');
  const server = await nameServer(t, () => '127.0.0.1 127.0.0.2 127.0.0.3', LOOPBACK_IPV6);
  const sender = createWebhookSender({
    allowedNetworks: ['127.0.0.0/8', '::1'],
    nameServers: [server.address],
  });
  const url = `http://hooks.example:${receiver.port}/hook`;
  t.match(await sender.send({ url, ...CONTENT }), { status: 204 });
  t.equal(receiver.requests.length, 1);
});

t.test('a name with an IPv4 and an IPv6 address is reached by IPv6 alone, too', async (t) => {
  const receiver = await webhookReceiver(t, '::1');
  const server = await nameServer(t, () => '127.0.0.1', LOOPBACK_IPV6);
  const sender = createWebhookSender({
    allowedNetworks: ['127.0.0.1', '::1'],
    nameServers: [server.address],
  });
  const url = `http://hooks.example:${receiver.port}/hook`;
  t.match(await sender.send({ url, ...CONTENT }), { status: 204 });
  t.match(receiver.requests, [{ headers: { host: `hooks.example:${receiver.port}` } }]);
});

t.test('an address that is refused gets no connection, even if no other address accepts one', async (t) => {
  const internal = await webhookReceiver(t, '127.0.0.2');
  const server = await nameServer(t, () => '127.0.0.1 127.0.0.2');
  const sender = createWebhookSender({ allowedNetworks: ['127.0.0.1'], nameServers: [server.address] });
  const url = `http://hooks.example:${internal.port}/hook`;
  await t.rejects(sender.send({ url, ...CONTENT }), { code: 'ECONNREFUSED' });
  t.equal(internal.connections(), 0);
});

t.test('the failure of a delivery names each address that was tried', async (t) => {
  const server = await nameServer(t, () => '127.0.0.1 127.0.0.2');
  const sender = createWebhookSender({ allowedNetworks: ['127.0.0.0/8'], nameServers: [server.address] });
  const port = await freePort();
  const error = await sender
    .send({ url: `http://hooks.example:${port}/`, ...CONTENT })
    .catch((e: Error) => e);
  t.match(errorMessage(error), /ECONNREFUSED 127.0.0.1:\d+; .*ECONNREFUSED 127.0.0.2:/);
});

t.test('an address that never answers delays the next address for a limited time', async (t) => {
  const port = await blackHole(t);
  const receiver = await webhookReceiver(t, '127.0.0.3', port);
  const server = await nameServer(t, () => '127.0.0.1 127.0.0.3');
  const sender = createWebhookSender({
    allowedNetworks: ['127.0.0.0/8'],
    nameServers: [server.address],
    timeouts: { connection: 300 },
  });
  const url = `http://hooks.example:${port}/hook`;
  t.match(await sender.send({ url, ...CONTENT }), { status: 204 });
  t.equal(receiver.requests.length, 1);
});

t.test('a name server that never answers about IPv6 delays no delivery', async (t) => {
  const receiver = await webhookReceiver(t);
  const server = await nameServer(t, () => '127.0.0.1', 'unanswered');
  const sender = createWebhookSender({
    allowedNetworks: ['127.0.0.1'],
    nameServers: [server.address],
    timeouts: { request: 3_000 }, // shorter than the time after which the resolver gives up the IPv6 query
  });
  const url = `http://hooks.example:${receiver.port}/hook`;
  t.match(await sender.send({ url, ...CONTENT }), { status: 204 });
});

t.test('a delivery to a name that does not resolve fails', async (t) => {
  const server = await nameServer(t, () => '');
  const sender = createWebhookSender({ allowedNetworks: [], nameServers: [server.address] });
  await t.rejects(sender.send({ url: 'https://hooks.example/', ...CONTENT }), {
    message: 'The name hooks.example cannot be resolved.',
    cause: { code: 'ENODATA' },
  });
});

t.test('a redirect counts as the answer, and is not followed', async (t) => {
  const receiver = await webhookReceiver(t);
  const other = await webhookReceiver(t);
  receiver.answerWith((response) => void response.writeHead(307, { location: other.url }).end());
  t.match(await onLoopback().send({ url: receiver.url, ...CONTENT }), { status: 307 });
  t.equal(other.connections(), 0);
});

t.test('an answer without an end is read up to 4 kB', async (t) => {
  const receiver = await webhookReceiver(t);
  receiver.answerWith((response) => {
    response.writeHead(200);
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(1_000)));
    };
    response.on('drain', write);
    write();
  });
  const { status, text } = await onLoopback().send({ url: receiver.url, ...CONTENT });
  t.equal(status, 200);
  t.equal(text.length, 4_096);
});

t.test('a request to an endpoint that accepts the connection and never answers is canceled', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  t.teardown(() => silent.close());
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  await t.rejects(onLoopback().send({ url: `http://127.0.0.1:${port}/`, ...CONTENT }), {
    message: 'No answer within 500 ms.',
  });
});

t.test('an answer that arrives byte by byte is canceled at the time limit', async (t) => {
  const receiver = await webhookReceiver(t);
  receiver.answerWith((response) => {
    response.writeHead(500).write('slow');
    const timer = setInterval(() => response.write('.'), 50);
    response.once('close', () => clearInterval(timer));
  });
  t.match(await onLoopback().send({ url: receiver.url, ...CONTENT }), { status: 500, text: /^slow/ });
});

t.test('a connection that is cut counts as no answer', async (t) => {
  const receiver = await webhookReceiver(t);
  receiver.answerWith((response) => void response.destroy());
  await t.rejects(onLoopback().send({ url: receiver.url, ...CONTENT }), { code: 'ECONNRESET' });
});

t.test(
  'a change of the protocol (101) counts as the answer, and closing does not wait for the connection',
  async (t) => {
    const url = await rawServer(t, (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n'),
    );
    const sender = onLoopback();
    t.match(await sender.send({ url, ...CONTENT }), { status: 101, text: '' });
    await sender.close();
  },
);

t.test(
  'each request settles, also if the endpoint answers twice, early or in another protocol',
  async (t) => {
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    for (const bytes of [
      `${ok}HTTP/1.1 500 No\r\n\r\n`,
      `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9)}${ok}`,
    ]) {
      const url = await rawServer(t, (socket) => socket.write(bytes));
      t.match(await onLoopback().send({ url, ...CONTENT }), { status: 200, text: 'ok' });
    }
    const mail = await rawServer(t, (socket) => socket.write('220 mail.example ESMTP\r\n'));
    await t.rejects(onLoopback().send({ url: mail, ...CONTENT }), { code: /^HPE_/ });
  },
);

/** Starts a server that answers the first bytes of each connection with `answer`. Returns its URL. */
async function rawServer(t: Test, answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => answer(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

t.test('closing the sender ends a running request', async (t) => {
  const receiver = await webhookReceiver(t);
  receiver.answerWith(() => {});
  const sender = createWebhookSender({ allowedNetworks: ['127.0.0.1'], timeouts: { closing: 50 } });
  const sending = sender.send({ url: receiver.url, ...CONTENT });
  await Promise.all([t.rejects(sending, SenderClosed), sender.close()]);
});
