import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeKeyPair } from '../support/forge.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';

const KEY = 'correct-horse-battery-staple-2026';

async function startOverviewReader(t: Test, env: Record<string, string>) {
  const { url } = await startServiceInProcess(t, {
    ...{ DATABASE_URL: await testDatabase(t), SERVICE_API_KEYS: `operator:admin:${KEY}`, MAIL: 'off' },
    ...env,
  });
  return async () => {
    const response = await fetch(`${url}/admin/overview`, { headers: { 'x-api-key': KEY } });
    return (await response.json()) as { replica: string } & Record<
      'samples' | 'dependencies' | 'keys',
      Record<string, unknown>[]
    >;
  };
}

t.test('the overview of the whole service has its dependencies and its backlog', async (t) => {
  if (!(await requirePostgres(t))) return;
  const read = await startOverviewReader(t, {});
  const { replica, dependencies, keys, samples } = await read();
  t.equal(replica.split(':')[0], hostname());
  t.match(dependencies, [
    { name: 'database', state: 'up' },
    { name: 'capacity', state: 'up' },
    // The feed of revocations may still be starting.
    { name: 'revocations of other replicas' },
  ]);
  t.same(keys, []);
  t.match(samples, [{ sessions: 0, mailsWaiting: 0, eventsWaiting: 0, deliveriesWaiting: 0 }]);
});

t.test('the keys of the database and of a file are shown', async (t) => {
  if (!(await requirePostgres(t))) return;
  const readStored = await startOverviewReader(t, { ACCESS_TOKEN_ALG: 'ES256' });
  t.match((await readStored()).keys, [
    { alg: 'ES256', state: 'signing', announcedAt: /Z$/, signsFrom: /Z$/ },
  ]);
  const path = join(await dataDir(t), 'keys.json');
  const jwk = makeKeyPair('ec').privateKey.export({ format: 'jwk' });
  await writeFile(path, JSON.stringify({ keys: [{ ...jwk, kid: 'mine' }] }));
  const readInFile = await startOverviewReader(t, { ACCESS_TOKEN_ALG: 'ES256', KEY_SET_FILE: path });
  t.same((await readInFile()).keys, [{ id: 'mine', alg: 'ES256', state: 'signing' }]);
});

t.test('while the file of keys is unusable, the overview says that the keys are not known', async (t) => {
  if (!(await requirePostgres(t))) return;
  const path = join(await dataDir(t), 'keys.json');
  const jwk = makeKeyPair('ec').privateKey.export({ format: 'jwk' });
  await writeFile(path, JSON.stringify({ keys: [jwk] }));
  const read = await startOverviewReader(t, { ACCESS_TOKEN_ALG: 'ES256', KEY_SET_FILE: path });
  await writeFile(path, '{');
  t.match(await read(), { dependencies: [{ name: 'database', state: 'up' }], keys: null });
});

t.test('with the console, samples are taken even without a reader', async (t) => {
  if (!(await requirePostgres(t))) return;
  const now = Date.now();
  let passed = 0;
  const { url } = await startServiceInProcess(
    t,
    {
      ...{ DATABASE_URL: await testDatabase(t), SERVICE_API_KEYS: `operator:admin:${KEY}` },
      ...{ MAIL: 'off', CONSOLE: 'on' },
    },
    { clock: () => now + passed },
  );
  passed = 60_000;
  const samples = await waitForValue('a sample of the loop', async () => {
    const response = await fetch(`${url}/admin/overview`, { headers: { 'x-api-key': KEY } });
    const { samples } = (await response.json()) as { samples: { at: string }[] };
    return samples.length > 1 ? samples : undefined;
  });
  t.equal(samples[0]?.at, new Date(now).toISOString(), 'the first sample was read before the first request');
});
