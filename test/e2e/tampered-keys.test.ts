import { randomBytes } from 'node:crypto';
import t from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';

const UNUSABLE = 'signing key unusable';

t.test('a changed signing key and a restored removed key are refused', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const sql = connect({ kind: 'url', url, pool: 1 });
  t.teardown(() => sql.end());
  const env = {
    DATABASE_URL: url,
    DATA_DIR: await dataDir(t),
    MAIL: 'off',
    ACCESS_TOKEN_ALG: 'EdDSA',
    KEY_SET_ENCRYPTION_KEY: randomBytes(64).toString('base64url'),
    KEY_SET_MAX_AGE: '10s',
  };
  const { lines, close } = await startServiceInProcess(t, env);
  const waitForReason = (reason: string) =>
    waitForValue(reason, async () =>
      lines.some((line) => line.includes(UNUSABLE) && line.includes(reason)) ? true : undefined,
    );

  await sql`update signing_keys set signs_from = signs_from - interval '1 hour'`;
  t.ok(await waitForReason('other times than those it was sealed with'), 'a running replica notices');
  await t.rejects(
    startServiceInProcess(t, env),
    /other times than those it was sealed with/,
    'a service that starts refuses the key',
  );

  await sql`create table copy as select * from signing_keys`;
  await sql`update copy set signs_from = signs_from + interval '1 hour'`;
  await sql.begin(async (tx) => {
    await tx`delete from signing_keys`;
    await tx`insert into signing_keys select * from copy`;
  });
  t.ok(await waitForReason('was removed before and was restored'));
  await t.rejects(startServiceInProcess(t, env), /was removed before and was restored/);
  t.ok(lines.some((line) => /signing_key_announced.*"by":"automatic"/.test(line)));
  await close();
});
