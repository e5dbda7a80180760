import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createBreachFile } from '../../src/adapters/passwords/breach-file.ts';
import { createBreachRange } from '../../src/adapters/passwords/breach-range.ts';

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase();

async function rangeService(t: Test, answer: RequestListener) {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const failures: unknown[] = [];
  const { port } = server.address() as AddressInfo;
  const isBreached = createBreachRange(`http://127.0.0.1:${port}/range/`, (error) => failures.push(error));
  return { isBreached, failures };
}

t.test('a range service learns five characters of the hash, and is asked for padding', async (t) => {
  const requests: { url: string | undefined; padding: unknown; text: string }[] = [];
  const { isBreached, failures } = await rangeService(t, ({ url, headers, rawHeaders }, response) => {
    requests.push({ url, padding: headers['add-padding'], text: `${url} ${rawHeaders}` });
    const known = sha1('a leaked piano 42').slice(5);
    const padding = sha1('a padded piano 43').slice(5);
    response.end(`${'0'.repeat(35)}:3\r\n${known.toLowerCase()}:17\r\n${padding}:0\r\n`);
  });
  t.equal(await isBreached('a leaked piano 42'), true);
  t.equal(await isBreached('a violet piano 42'), false);
  t.equal(await isBreached('a padded piano 43'), false, 'a count of 0 is padding');
  t.same(failures, []);
  t.equal(requests[0]?.url, `/range/${sha1('a leaked piano 42').slice(0, 5)}`);
  for (const { padding, text } of requests) {
    t.equal(padding, 'true');
    t.notMatch(text, /piano/);
    t.notMatch(text, sha1('a leaked piano 42').slice(0, 6));
  }
});

t.test('a password passes if the range service does not answer well, and that is reported', async (t) => {
  const answers: Record<string, RequestListener> = {
    'an error': (_request, response) => response.writeHead(503).end(),
    'a redirect': (_request, response) => response.writeHead(302, { location: '/' }).end(),
    'no answer': () => {},
    'half an answer': (_request, response) => void response.write('0'),
    'a lost connection': ({ socket }) => void socket.destroy(),
    'an answer without end': (_request, response) => void response.end('0'.repeat(2 * 1024 * 1024)),
  };
  for (const [name, answer] of Object.entries(answers)) {
    const { isBreached, failures } = await rangeService(t, answer);
    t.equal(await isBreached('a leaked piano 42'), false, name);
    t.equal(failures.length, 1, name);
  }
});

t.test('every password of a sorted file is found, and no other one', async (t) => {
  const leaked = Array.from({ length: 300 }, (_, n) => `leaked ${n}`);
  const hashes = leaked.map(sha1).sort();
  const forms: Record<string, string> = {
    whole: hashes.map((hash) => `${hash}\n`).join(''),
    'with counts': hashes.map((hash, n) => `${hash}:${10 ** (n % 8)}\r\n`).join(''),
    prefixes: hashes.map((hash) => `${hash.slice(0, 16).toLowerCase()}\n`).join(''),
    'without a last line end': hashes.join('\n'),
    'one line': hashes[0] ?? '',
  };
  const folder = t.testdir(forms);
  for (const name of Object.keys(forms)) {
    const failures: unknown[] = [];
    const isBreached = createBreachFile(join(folder, name), (error) => failures.push(error));
    const found = await Promise.all(leaked.map(isBreached));
    t.equal(found.filter(Boolean).length, name === 'one line' ? 1 : 300, name);
    const others = await Promise.all(leaked.map((password) => isBreached(`${password}!`)));
    t.equal(others.filter(Boolean).length, 0, name);
    t.same(failures, [], name);
  }
});

t.test('a missing, empty or foreign file', async (t) => {
  const folder = t.testdir({ empty: '', foreign: 'no hashes\n'.repeat(100) });
  for (const [name, count] of [
    ['empty', 0],
    ['missing', 1],
    ['foreign', 1],
  ] as const) {
    const failures: unknown[] = [];
    const isBreached = createBreachFile(join(folder, name), (error) => failures.push(error));
    t.equal(await isBreached('a leaked piano 42'), false, name);
    t.equal(failures.length, count, name);
  }
});
