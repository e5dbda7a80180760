import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import t, { type Test } from 'tap';
import { startHttpService } from '../support/http.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { fileStorage } from './support/file-storage.ts';
import {
  countAnswers,
  isRefresh,
  sessionOf,
  sharedStorage,
  startClient,
  startSignedIn,
} from './support/sessions.ts';

const LOSSES = 25;

/** The service, and a client that reaches it through a proxy. */
async function behindProxy(t: Test, storage = sharedStorage()) {
  const service = await startHttpService(t);
  const proxy = await tcpProxy(t, { host: '127.0.0.1', port: Number(new URL(service.url).port) });
  const url = `http://127.0.0.1:${proxy.port}`;
  return { service, proxy, url, storage, ...(await startSignedIn(t, service, { url, storage })) };
}

t.test('lost answers end no session', async (t) => {
  const { service, proxy, client, pair, signedOut } = await behindProxy(t);
  const tokens = new Set([pair.access]);
  for (let round = 0; round < LOSSES; round += 1) {
    proxy.loseAnswerTo(isRefresh);
    tokens.add(String(await client.token([...tokens].at(-1))));
  }
  t.equal(tokens.size, LOSSES + 1);
  t.same(await sessionOf(service, pair), { generation: LOSSES, ended: null });
  t.equal(countAnswers(service, '/auth/refresh'), 2 * LOSSES, 'each rotation was requested twice');
  t.same(signedOut, []);
  t.comment(`${LOSSES} answers lost, ${signedOut.length} logouts`);
});

t.test('an Idempotency-Key is stored before it is sent, and removed with its pair', async (t) => {
  const keys: (string | undefined)[] = [];
  const storage = sharedStorage();
  const { client, pair, proxy } = await behindProxy(t, {
    ...storage,
    async setItem(name, value) {
      keys.push(JSON.parse(value).key);
      await storage.setItem(name, value);
    },
  });
  const sent: string[] = [];
  proxy.loseAnswerTo((bytes) => {
    const [, key] = /idempotency-key: (\S+)/i.exec(bytes.toString()) ?? [];
    if (key !== undefined && sent.push(key) === 1) t.equal(keys.at(-1), key, 'the key is stored already');
    return false;
  });
  const next = await client.token(pair.access);
  await client.token(next ?? '');
  t.match(keys, [undefined, String, undefined, String, undefined]);
  t.equal(sent[0], keys[1], 'the stored key was sent');
  t.not(keys[1], keys[3], 'one key for each rotation');
});

t.test('an Idempotency-Key that cannot be stored is not sent', async (t) => {
  const storage = sharedStorage();
  const { client, pair, service } = await behindProxy(t, {
    ...storage,
    async setItem(name, value) {
      if (JSON.parse(value).key !== undefined) throw new Error('the disk is full');
      await storage.setItem(name, value);
    },
  });
  await t.rejects(client.token(pair.access), { message: 'the disk is full' });
  t.same(await sessionOf(service, pair), { generation: 0, ended: null });
});

t.test('an Idempotency-Key in a storage that was restored to an earlier state is replaced', async (t) => {
  const { client, pair, storage, service, signedOut } = await behindProxy(t);
  await client.token(pair.access);
  const kept = JSON.parse(storage.items.get('kinship') ?? '');
  const key = 'of-the-rotation-before';
  storage.items.set('kinship', JSON.stringify({ ...kept, key }));
  const second = await client.token(kept.access);
  const current = JSON.parse(storage.items.get('kinship') ?? '');
  storage.items.set('kinship', JSON.stringify({ ...current, key }));
  await t.rejects(client.token(second ?? ''), {
    code: 'idempotency_key_reused',
    recovery: 'none',
    status: 422,
  });
  t.ok(await client.token(second ?? ''), 'the next attempt has a new key');
  t.same(await sessionOf(service, pair), { generation: 3, ended: null });
  t.same(signedOut, []);
});

t.test('after a process is killed during a refresh, the next process gets the same pair', async (t) => {
  const folder = t.testdir();
  const service = await startHttpService(t);
  const proxy = await tcpProxy(t, { host: '127.0.0.1', port: Number(new URL(service.url).port) });
  const url = `http://127.0.0.1:${proxy.port}`;
  const { pair } = await startSignedIn(t, service, { url, storage: fileStorage(folder) });
  const script = await bundleProgram(folder);
  const refresh = () =>
    spawn(process.execPath, [script, url, folder], { stdio: ['ignore', 'pipe', 'inherit'] });

  const doomed = refresh();
  proxy.loseAnswerTo((bytes) => isRefresh(bytes) && doomed.kill('SIGKILL'));
  const [, signal] = await once(doomed, 'exit');
  t.equal(signal, 'SIGKILL');
  const token = await text(refresh().stdout);
  t.not(token, pair.access);
  t.same(await sessionOf(service, pair), { generation: 1, ended: null }, 'the retry of the same rotation');
  const reader = startClient(t, { url, storage: fileStorage(folder) });
  t.equal(await reader.token(), token);
});

/**
 * Bundles a program that uses the client, and returns its path. The program requests another token than the stored one,
 * and prints it.
 */
async function bundleProgram(folder: string): Promise<string> {
  const outfile = join(folder, 'program.mjs');
  const contents = `
    import { createClient } from '../../client/src/index.ts';
    import { fileStorage } from './support/file-storage.ts';
    const [url, folder] = process.argv.slice(2);
    const client = createClient({ url, storage: fileStorage(folder) });
    process.stdout.write(await client.token(await client.token()));`;
  await build({
    stdin: { contents, resolveDir: 'test/client' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  return outfile;
}
