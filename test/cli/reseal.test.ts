import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createDataSealer } from '../../src/adapters/jose/sealed-data.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { readConfig } from '../../src/config.ts';
import { someUser } from '../ports/users.ts';
import { someEndpoint } from '../ports/webhooks.ts';
import { NOW } from '../support/families.ts';
import { runKeys } from '../support/keys-command.ts';
import { kinship } from '../support/kinship.ts';
import { postgresStores } from '../support/open-stores.ts';
import { startService } from '../support/process.ts';
import { waitUntil } from '../support/wait-until.ts';

const [OLD, NEW] = ['old', 'new'].map((name) => `${name}-0123456789abcdefghijklmnopqrstuvwxyz`) as [
  string,
  string,
];

t.test('every secret is encrypted again under the newest key, and can be decrypted', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { secondFactors, users, webhookEndpoints, url } = stores;
  const folder = t.testdir();
  const sealerUnder = async (keys: string) =>
    createDataSealer((await readConfig({ DATA_ENCRYPTION_KEY: keys }, folder)).dataKeys);
  const before = await sealerUnder(OLD);
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    const user = someUser();
    await users.create(user, []);
    const id = randomUUID();
    ids.push(id);
    const totp = { sealedSecret: await before.seal(id, `secret of ${id}`), lastStep: null };
    const factor = { id, userId: user.id, kind: 'totp', label: 'phone', createdAt: NOW } as const;
    await secondFactors.add({ ...factor, confirmedAt: null, lastUsedAt: null, addedBy: null, totp }, null);
  }
  const endpoint = someEndpoint();
  const sealedCredentials = await before.seal(endpoint.id, 'credentials');
  await webhookEndpoints.add({ ...endpoint, sealedCredentials }, { total: 1, ofOwner: 1 });
  const run = (keys: string) =>
    runKeys({ DATABASE_URL: url, DATA_DIR: folder, DATA_ENCRYPTION_KEY: keys }, 'reseal');

  t.match(await run(NEW), {
    code: 1,
    text: /^A secret cannot be opened by a key in DATA_ENCRYPTION_KEY, because it was sealed under the encryption key with the id [\w-]{8}: add that key at the end of DATA_ENCRYPTION_KEY\.\n$/,
  });
  const doctor = async (keys: string) => {
    const env = { DATABASE_URL: url, DATA_DIR: folder, DATA_ENCRYPTION_KEY: keys };
    const { stdout } = await kinship(['doctor', '--json'], env);
    const { checks } = JSON.parse(stdout) as { checks: Finding[] };
    return checks.find(({ check }) => check === 'stored secrets');
  };
  t.match(await doctor(OLD), { state: 'ok', found: '4 opened with DATA_ENCRYPTION_KEY' });
  t.match(await doctor(NEW), { state: 'fail', found: /sealed under the encryption key with the id/ });
  const env = { DATABASE_URL: url, DATA_DIR: folder, DATA_ENCRYPTION_KEY: NEW, API_PORT: '0', MAIL: 'off' };
  const { logs } = await startService(t, { env });
  await waitUntil(() => logs().some((line) => line.includes('stored secrets cannot be opened')));

  t.match(await run(`${NEW},${OLD}`), { code: 0, text: /^4 of 4 secrets were moved/ });
  t.match(await run(`${NEW},${OLD}`), { code: 0, text: /^0 of 4 secrets were moved/ });
  const after = await sealerUnder(NEW);
  const sealed = await secondFactors.listSealed(null, 10);
  t.same(
    sealed.map(({ id }) => id),
    ids.sort(),
  );
  for (const { id, sealed: text } of sealed)
    t.equal(await after.open({ rowId: id, sealed: text }), `secret of ${id}`);
  const [moved] = await webhookEndpoints.listSealed(null, 10);
  t.equal(await after.open({ rowId: endpoint.id, sealed: moved?.sealed ?? '' }), 'credentials');
});
