import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { someFamily } from '../support/families.ts';
import { FOREIGN_HASHES } from '../support/foreign-hashes.ts';
import { postgresStores } from '../support/open-stores.ts';

const { PATH = '' } = process.env;

/** The loader of the tests measures coverage, and takes longer: once for each command is enough. */
const FAST = ['--import', 'tsx'];

async function users(t: Test) {
  const stores = await postgresStores(t);
  if (stores === null) return null;
  const env = { PATH, DATABASE_URL: stores.url, DATA_DIR: t.testdir() };

  async function run(args: readonly string[], input = '', loader = FAST) {
    const command = spawn(process.execPath, [...loader, 'src/main.ts', 'users', ...args], { env });
    command.stdin.end(input);
    const ended = new Promise<number | null>((resolve) => command.once('close', resolve));
    const [output, errors, code] = await Promise.all([text(command.stdout), text(command.stderr), ended]);
    return { output, errors, code };
  }
  return { ...stores, env, run };
}

/** No password is known for it. */
const argon2Of = (cost: string) => `$argon2id$v=19$${cost}$c29tZXNhbHQ$${'A'.repeat(43)}`;

const line = (values: object) => JSON.stringify({ username: 'ann', email: 'ann@example.com', ...values });

t.test('refused lines are named with their number and reason, and the others are imported', async (t) => {
  const service = await users(t);
  if (service === null) return;
  const refused: readonly (readonly [string, RegExp])[] = [
    ['no json', /it is not JSON/],
    ['[]', /it is not a JSON object/],
    [line({ role: 'admin' }), /"role" is not a member of a user/],
    [line({ constructor: {} }), /"constructor" is not a member of a user/],
    [line({ id: '42' }), /id must be a UUID/],
    [line({ username: 5 }), /username must be text/],
    [line({ username: 'a\u0000b' }), /username must be 1 to 150 characters/],
    [line({ username: 'bob@example.com' }), /username must not be an address other than/],
    ['{"username":"ann"}', /email is missing/],
    [line({ email: 'no address' }), /email must be one mailbox/],
    [line({ email: 'a@b.example, c@d.example' }), /email must be one mailbox/],
    [line({ emailVerified: 'yes' }), /emailVerified must be true or false/],
    [line({ passwordHash: 'secret' }), /passwordHash is of no known kind/],
    [line({ passwordHash: FOREIGN_HASHES.bcrypt.replace('$04', '$31') }), /passwordHash is of no known kind/],
    [line({ claims: ['a'] }), /claims must be an object/],
    [line({ claims: { sub: 'x' } }), /claims must not contain sub/],
    [line({ claims: { a: 'x'.repeat(1_024) } }), /claims must have at most 1024 bytes/],
    [line({ createdAt: 'yesterday' }), /createdAt must be a time/],
    [line({ createdAt: '0000-01-01T00:00:00Z' }), /createdAt must be a time/],
    [line({ createdAt: '0001-01-01T00:00:00+23:59' }), /createdAt must be a time/],
    [line({ createdAt: '9999-12-31T23:59:59-23:59' }), /createdAt must be a time/],
    [line({ createdAt: '2016-12-31T23:59:60Z' }), /createdAt must be a time/],
    [line({ 'a\u009b31m': 1 }), /"a\\u\{9b\}31m" is not a member of a user/],
    [line({ 'a\u202eb': 1 }), /"a\\u\{202e\}b" is not a member of a user/],
    [line({ ['x'.repeat(10_000)]: 1 }), /"x{64}" is not a member of a user/],
    [line({ passwordHash: argon2Of('m=1048576,t=9,p=4') }), /its parameters are out of bounds/],
    [line({ passwordHash: argon2Of('m=4194304,t=1,p=1') }), /its parameters are out of bounds/],
    [line({ passwordHash: argon2Of('m=65536,t=64,p=1') }), /its parameters are out of bounds/],
    [line({ username: 'x'.repeat(20_000) }), /it is too long/],
    [line({ username: 'bob', email: 'ANN@example.com' }), /belongs to another account/],
  ];
  const good = [line({ username: 'Ann Lee' }), line({ username: 'carl', email: 'carl@example.com' })];
  const lines = [good[0], '', ...refused.map(([text]) => text), good[1]];
  const { output, errors, code } = await service.run(
    ['import', '-'],
    `\u{feff}${lines.join('\r\n')}\n`,
    process.execArgv,
  );
  t.equal(code, 1);
  t.match(
    output,
    new RegExp(`^2 users imported, 0 unchanged, ${refused.length} refused, \\d+ lines a second\n$`),
  );
  for (const [index, [, reason]] of refused.entries()) {
    const reported = errors.split('\n').find((each) => each.startsWith(`line ${index + 3}: `));
    t.match(reported, reason);
  }
  t.equal((await service.users.list(10)).length, 2);
});

t.test('a hash that costs more than a second is refused, and its kind is never in use', async (t) => {
  const service = await users(t);
  if (service === null) return;
  const costly = FOREIGN_HASHES.bcrypt.replace('$04', '$15');
  const { errors, code } = await service.run(['import', '-'], line({ passwordHash: costly }));
  t.equal(code, 1);
  t.match(errors, /^line 1: passwordHash costs \d+ ms to verify, more than 1000 ms$/m);
  t.equal(await service.userTransfer.slowestKind(), 0);
  await service.run(['import', '-'], line({ passwordHash: FOREIGN_HASHES.bcrypt }));
  t.ok((await service.userTransfer.slowestKind()) > 0, 'the time of an admitted kind is recorded');
});

t.test('with --strict the first refused line stops the import', async (t) => {
  const service = await users(t);
  if (service === null) return;
  const input = [line({}), 'no json', line({ username: 'bob', email: 'bob@example.com' })].join('\n');
  const { output, code } = await service.run(['import', '--strict', '-'], input);
  t.equal(code, 1);
  t.match(output, /^1 users imported, 0 unchanged, 1 refused/);
});

t.test('what is exported is imported again as it was, in several batches', async (t) => {
  const service = await users(t);
  if (service === null) return;
  const { sql, env, run } = service;
  const members = (index: number) => ({
    id: randomUUID(),
    username: `user${index}`,
    email: `user${index}@bücher.example`,
    emailVerified: index % 2 === 0,
    ...(index % 3 !== 0 && { passwordHash: FOREIGN_HASHES.django }),
    ...(index % 5 === 0 && { claims: { plan: 'paid', seat: { number: index } } }),
    createdAt: new Date(1_580_472_000_000 + index).toISOString(),
  });
  const lines = Array.from({ length: 1_100 }, (_, index) => JSON.stringify(members(index)));
  const file = join(env.DATA_DIR, 'users.ndjson');
  await writeFile(file, lines.join('\n'));
  const { output, errors } = await run(['import', file]);
  t.match(output, /^1100 users imported, 0 unchanged, 0 refused/);
  t.match(errors, /^500 of 1100 lines read, \d+ s$/m);
  const sorted = (text: string) => text.trim().split('\n').toSorted();
  const before = await run(['export'], '', process.execArgv);
  t.equal(sorted(before.output).length, 1_100);
  t.match(JSON.parse(sorted(before.output)[0] ?? ''), { email: /@xn--bcher-kva\.example$/ });
  await writeFile(file, before.output);
  t.match((await run(['import', file])).output, /^0 users imported, 1100 unchanged/);
  await sql`truncate users, user_states cascade`;
  t.match((await run(['import', file])).output, /^1100 users imported/);
  t.same(sorted((await run(['export'])).output), sorted(before.output));
});

t.test('a file that does not exist is named', async (t) => {
  const service = await users(t);
  if (service === null) return;
  const { errors, code } = await service.run(['import', 'no-such-file']);
  t.equal(code, 1);
  t.match(errors, /no-such-file/);
});

t.test(
  'commands disable, enable, grant and revoke, once each, and the audit log names the operator',
  async (t) => {
    const service = await users(t);
    if (service === null) return;
    const { run, sql } = service;
    await run(['import', '-'], line({}));
    const acts = [['disable'], ['enable'], ['grant', 'operator'], ['revoke', 'operator']];
    for (const act of acts) {
      const first = await run([...act, 'ANN'], '', process.execArgv);
      t.equal(first.code, 0, first.errors);
      const second = await run([...act, 'ann@example.com']);
      t.match(second, { code: 0, output: /before|was not|nothing has changed/ });
    }
    const events = await sql`
    select type, actor, actor_name, data -> 'roles' as roles from security_events
    where type ~ '^users.(dis|en|roles)' order by occurred_at`;
    t.match(events, [
      { type: 'users.disabled', actor: 'operator', actor_name: /^command of ./ },
      { type: 'users.enabled' },
      { type: 'users.roles_changed', roles: ['operator'] },
      { type: 'users.roles_changed', roles: [] },
    ]);
    t.equal(events.length, acts.length);
  },
);

t.test('commands list and show users, and end their sessions', async (t) => {
  const service = await users(t);
  if (service === null) return;
  const { run, families, sql } = service;
  const id = randomUUID();
  await run(['import', '-'], [line({ id }), line({ username: 'bob', email: 'bob@example.com' })].join('\n'));
  const family = someFamily({ userId: id, createdAt: Date.now(), expiresAt: Date.now() + 86_400_000 });
  const refreshExpiresAt = family.expiresAt;
  await families.open({ ...family, refreshExpiresAt, userAgent: 'Till/7 \u001b[31m' }, []);
  const found = await run(['list', '--query', 'ANN', '--json'], '', process.execArgv);
  t.match(JSON.parse(found.output), { id, username: 'ann', sessions: 1, emailVerified: false });
  t.notMatch(found.output, /hash/i);
  const one = await run(['list', '--limit', '1']);
  t.match(one.output, /^ID +NAME +ADDRESS[^\n]*\n[^\n]*\n$/);
  t.match(one.errors, /There are more accounts/);
  t.match(await run(['list', '--limit', '1e3']), { code: 1, errors: /a number from 1 to 1000/ });

  const shown = await run(['show', 'ann@example.com'], '', process.execArgv);
  t.match(shown.output, new RegExp(`username +ann[^]*${family.tokenFamily}`));
  t.notOk(shown.output.includes('\u001b'), 'no sequence that controls a terminal');
  t.match(JSON.parse((await run(['show', id, '--json'])).output), { live: [{ id: family.tokenFamily }] });

  t.match(await run(['end-sessions', 'ann'], '', process.execArgv), { code: 0, output: /have ended/ });
  t.equal((await families.find(family.tokenFamily))?.revoked?.reason, 'administrator');
  const [event] = await sql`select actor_name from security_events where type = 'sessions.revoked'`;
  t.match(event, { actor_name: /^command of ./ });
  const other = randomUUID();
  t.match(JSON.parse((await run(['show', other, '--json'])).output), { id: other, account: null, live: [] });
});

t.test('a role needs an account, and an unknown name or role changes nothing', async (t) => {
  const service = await users(t);
  if (service === null) return;
  const id = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
  t.match(await service.run(['disable', 'bob']), {
    code: 1,
    errors: /No account has the name or address bob/,
  });
  t.match(await service.run(['grant', 'operator', id]), { code: 1, errors: /No account has the id/ });
  t.match(await service.run(['grant', 'root', id]), { code: 1, errors: /Allowed choices are operator/ });
  t.match(await service.run(['disable', id]), { code: 0, output: /is disabled/ });
});
