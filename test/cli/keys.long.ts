import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { startEmbedded } from '../../src/adapters/postgres/embedded/start.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { listKeys, retireKey, rotateKey } from '../../src/cli/keys/key-commands.ts';
import {
  createDatabaseKeySetAdmin,
  createFileKeySetAdmin,
  type KeySetAdmin,
} from '../../src/compose/key-set-admin.ts';
import { readConfig } from '../../src/config.ts';
import { byCommand } from '../../src/domain/audit.ts';
import { makeKeyPair } from '../support/forge.ts';
import { SILENT_LOG } from '../support/key-set.ts';
import { rowsOf, runKeys as run } from '../support/keys-command.ts';
import { createMemorySigningKeys } from '../support/memory/signing-keys.ts';
import { migratedDatabase, requirePostgres } from '../support/postgres.ts';

/** Runs a command on a key set in memory. Returns the output, or the text of the refusal. */
const createCommand = (keys: KeySetAdmin) => (words: string) => {
  const [verb, word = ''] = words.split(' ');
  const answer =
    verb === 'list'
      ? listKeys(keys)
      : verb === 'rotate'
        ? rotateKey(keys, word === '--now')
        : retireKey(keys, word);
  return answer.catch((error: Error) => error.message);
};

const KEYS = { DATA_DIR: tmpdir(), KEY_SET_ENCRYPTION_KEY: 'an encryption key of 32 bytes: 9f1b' };

async function migrateEmbedded(socketPath: string): Promise<void> {
  const sql = connect({ kind: 'embedded', socketPath });
  await migrate(sql);
  await sql.end();
}

const BY_ANN = { log: SILENT_LOG, by: 'operator ann', newId: randomUUID, origin: byCommand('ann') };

t.test('an operator lists, rotates and retires keys', async (t) => {
  const deps = { ...BY_ANN, signingKeys: createMemorySigningKeys(), clock: Date.now };
  const folder = t.testdir();
  const command = createCommand(
    createDatabaseKeySetAdmin(await readConfig({ ACCESS_TOKEN_ALG: 'EdDSA' }, folder), deps),
  );
  t.match(await command('list'), /^There are no keys/);
  t.match(await command('rotate'), /^[\w-]{43} \(EdDSA\) is announced, and signs from \d{4}-/);
  const announced = await command('rotate');
  t.match(announced, /is announced/);
  t.match(await command('rotate'), /is already announced/);
  const [first = [], second = []] = rowsOf(await command('list'));
  t.match([first[1], first[2], second[2], second[5]], ['EdDSA', 'signing', 'announced', '-']);
  t.ok(announced.startsWith(String(second[0])));

  t.match(await command('rotate --now'), / \(EdDSA\) signs now\./);
  const rows = rowsOf(await command('list'));
  t.same(
    rows.map(([, , state]) => state),
    ['retired', 'retired', 'signing'],
  );
  t.equal(rows[1]?.[4], '-', 'the key that was announced never signs');
  const signing = String(rowsOf(await command('list'))[2]?.[0]);
  t.match(
    await command(`retire ${signing}`),
    /^[\w-]{43} was removed\. [\w-]{43} \(EdDSA\) signs from now on\.$/m,
  );
  t.match(await command(`retire ${first[0]}`), /^[\w-]{43} was removed\.$/m);
  t.match(await command(`retire ${signing}`), /^There is no key .*\. List the keys to see their ids\.$/m);

  const hmac = createCommand(createDatabaseKeySetAdmin(await readConfig({}, folder), deps));
  const beside = /^ACCESS_TOKEN_ALG is HS512 here, .* Run the command with the environment of the service\./;
  t.match(await hmac('rotate'), beside);
  const foreign = { KEY_SET_ENCRYPTION_KEY: 'another encryption key: 0123456789abcdef' };
  const other = createDatabaseKeySetAdmin(await readConfig(foreign, t.testdirName), deps);
  t.match(await createCommand(other)('rotate'), beside);
  const rest = rowsOf(await hmac('list'));
  t.equal(rest.length, 2);
  for (const [kid = ''] of rest) t.match(await hmac(`retire ${kid}`), /was removed\.\n$/);
  t.match(await hmac('list'), /^There are no keys/, 'no new key replaces them');
  t.match(await hmac('rotate'), /^ACCESS_TOKEN_ALG is HS512: .* there is nothing to rotate\./);
});

t.test('of two concurrent rotations one announces a key', async (t) => {
  const deps = { ...BY_ANN, signingKeys: createMemorySigningKeys(), clock: Date.now };
  const command = createCommand(
    createDatabaseKeySetAdmin(await readConfig({ ACCESS_TOKEN_ALG: 'ES256' }, t.testdir()), deps),
  );
  const answers = await Promise.all([command('rotate'), command('rotate')]);
  t.equal(answers.filter((answer) => answer.startsWith('The keys were changed at the same time')).length, 1);
  t.equal(answers.filter((answer) => answer.includes('is announced')).length, 1);
  t.equal(rowsOf(await command('list')).length, 1);
});

t.test('the command rotates the keys of an embedded database that a service has open', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-keys-'));
  const database = await startEmbedded(folder);
  t.teardown(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  await migrateEmbedded(database.socketPath);
  const env = { ...KEYS, DATA_DIR: folder, ACCESS_TOKEN_ALG: 'ES256' };
  t.match(await run(env, 'rotate'), { code: 0, text: /\(ES256\) is announced/ });
});

t.test('the command refuses to rotate without the encryption key of the service', async (t) => {
  if (!(await requirePostgres(t))) return;
  const service = { ...KEYS, DATABASE_URL: await migratedDatabase(t), ACCESS_TOKEN_ALG: 'EdDSA' };
  await run(service, 'rotate');
  const [[signing = ''] = []] = rowsOf((await run(service, 'list')).text);

  const DATA_DIR = t.testdir();
  const { DATABASE_URL, ACCESS_TOKEN_ALG } = service;
  const others = [
    { DATABASE_URL, ACCESS_TOKEN_ALG, DATA_DIR },
    { ...service, KEY_SET_ENCRYPTION_KEY: 'another encryption key: 0123456789abcdef' },
  ];
  for (const env of others) {
    t.match(await run(env, 'rotate', '--now'), {
      code: 1,
      text: /^(?:There is no KEY_SET_ENCRYPTION_KEY here|KEY_SET_ENCRYPTION_KEY is not the one of)/,
    });
    const { text } = await run(env, 'list');
    t.match(
      text,
      `${signing} cannot be opened by a key in KEY_SET_ENCRYPTION_KEY. Add the key that sealed it to`,
    );
  }
  t.notOk(existsSync(join(DATA_DIR, 'keys')), 'no key is generated');
  t.equal(rowsOf((await run(service, 'list')).text).length, 1);
});

t.test(
  'with KEY_SET_FILE, the command lists the keys of the file, and refuses to rotate or retire',
  async (t) => {
    const jwk = { ...makeKeyPair('ed25519').privateKey.export({ format: 'jwk' }), kid: 'mine' };
    const folder = t.testdir({ 'keys.json': JSON.stringify({ keys: [jwk] }) });
    const path = join(folder, 'keys.json');
    const config = await readConfig({ KEY_SET_FILE: path, ACCESS_TOKEN_ALG: 'EdDSA' }, folder);
    const command = createCommand(createFileKeySetAdmin(config, path, Date.now));
    t.match(await command('list'), /^mine\s+EdDSA\s+signing\s+-\s+-\s+-$/m);
    for (const words of ['rotate', 'retire mine'])
      t.match(await command(words), /^KEY_SET_FILE is set, so this command cannot change the keys\. Edit /);
  },
);
