import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createBreachFile, findBreachFileFault } from '../../src/adapters/passwords/breach-file.ts';
import { createBreachRange } from '../../src/adapters/passwords/breach-range.ts';

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase();

async function rangeService(t: Test, answer: RequestListener, lookup?: (host: string) => Promise<unknown>) {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const failures: unknown[] = [];
  const { port } = server.address() as AddressInfo;
  const onFailure = (error: unknown) => failures.push(error);
  const isBreached = createBreachRange(`http://127.0.0.1:${port}/range/`, onFailure, lookup);
  return { isBreached, failures };
}

t.test('a request to a range service has five characters of the hash, and asks for padding', async (t) => {
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

t.test('a password is accepted if the range service fails, and the failure is reported', async (t) => {
  const answers: Record<string, RequestListener> = {
    'an error': (_request, response) => response.writeHead(503).end(),
    'a redirect': (_request, response) => response.writeHead(302, { location: '/' }).end(),
    'no answer': () => {},
    'half an answer': (_request, response) => void response.write('0'),
    'a page': (_request, response) =>
      response.end('<!doctype html>\n<title>Sign in to this network</title>\n'),
    'a list with a foreign line': (_request, response) =>
      response.end(`${'0'.repeat(35)}:3\r\n{"error":1}\r\n`),
    'another protocol': (_request, response) =>
      void response.socket?.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      ),
    'a lost connection': ({ socket }) => void socket.destroy(),
    'an answer without end': (_request, response) => void response.end('0'.repeat(2 * 1024 * 1024)),
  };
  for (const [name, answer] of Object.entries(answers)) {
    const { isBreached, failures } = await rangeService(t, answer);
    for (const search of [1, 2]) {
      t.equal(await isBreached('a leaked piano 42'), false, name);
      t.equal(failures.length, search, name);
    }
  }
});

t.test(
  'checks share one look-up of a name that does not resolve, and succeed again once it resolves',
  async (t) => {
    const lookups: { resolve(found: unknown): void; reject(error: Error): void }[] = [];
    const lookup = () => new Promise<unknown>((resolve, reject) => lookups.push({ resolve, reject }));
    const known = sha1('a leaked piano 42').slice(5);
    const { isBreached, failures } = await rangeService(
      t,
      (_request, response) => response.end(`${known}:1`),
      lookup,
    );
    const check = () => isBreached('a leaked piano 42');
    t.same(await Promise.all([check(), check(), check()]), [false, false, false]);
    t.equal(await check(), false, 'also later');
    t.equal(lookups.length, 1);
    t.match(failures, Array(4).fill({ message: 'The name 127.0.0.1 did not resolve within 1000 ms.' }));

    lookups[0]?.reject(new Error('no such name'));
    await new Promise(setImmediate);
    const again = check();
    lookups[1]?.resolve({ address: '127.0.0.1' });
    t.equal(await again, true);
  },
);

t.test('every password of a sorted file is found, and no other password is', async (t) => {
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

t.test('an unusable file is reported at each search, and no password is refused', async (t) => {
  const folder = t.testdir({ empty: '', foreign: 'no hashes\n'.repeat(100), folder: {} });
  for (const name of ['empty', 'missing', 'foreign', 'folder']) {
    const failures: unknown[] = [];
    const isBreached = createBreachFile(join(folder, name), (error) => failures.push(error));
    for (const search of [1, 2]) {
      t.equal(await isBreached('a leaked piano 42'), false, name);
      t.equal(failures.length, search, name);
    }
  }
});

t.test('a check finds the fault of a file before its first search', async (t) => {
  const hashes = Array.from({ length: 300 }, (_, n) => sha1(`leaked ${n}`));
  const sorted = hashes.toSorted();
  const files: Record<string, readonly [content: string, fault: string | null]> = {
    sorted: [sorted.join('\r\n'), null],
    'one line': [`${sorted[0]}:3\n`, null],
    empty: ['', 'empty'],
    'sorted by count': [hashes.join('\n'), 'not sorted by hash'],
    'two lines': [[...sorted.slice(0, 2)].reverse().join('\n'), 'not sorted by hash'],
    page: ['<!doctype html>\n', 'with a line that is not a SHA-1'],
    'a cut download': [`${sorted.join('\n')}\n${sorted[0]?.slice(0, 5)}`, 'with a line that is not a SHA-1'],
  };
  const folder = t.testdir(Object.fromEntries(Object.entries(files).map(([name, [text]]) => [name, text])));
  for (const [name, [, fault]] of Object.entries(files))
    t.equal(await findBreachFileFault(join(folder, name)), fault, name);
  t.equal(await findBreachFileFault(folder), 'not a file');
});
