import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { PROGRAM } from '../support/program.ts';

const { PATH = '' } = process.env;

async function run(env: Record<string, string>) {
  const args = [...PROGRAM, 'migrate'];
  const options = { env: { PATH, DATA_DIR: t.testdir(), ...env } };
  return promisify(execFile)(process.execPath, args, options).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, text: stderr }),
  );
}

t.test('migrate applies each migration once, and prints the reason of a failure', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATABASE_URL = await testDatabase(t);
  t.match(await run({ DATABASE_URL }), {
    code: 0,
    text: /^applied 1 token-families\napplied 2 outbox\n/,
  });
  t.same(await run({ DATABASE_URL }), { code: 0, text: 'The schema is up to date.\n' });
  t.match(await run({ API_PORT: 'x' }), { code: 1, text: /^API_PORT is "x"/ });
});
