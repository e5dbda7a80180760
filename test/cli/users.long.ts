import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FOREIGN_HASHES } from '../support/foreign-hashes.ts';
import { userLine, usersCommand } from '../support/users-command.ts';

/** A hash whose password is not known. */
const argon2Of = (cost: string) => `$argon2id$v=19$${cost}$c29tZXNhbHQ$${'A'.repeat(43)}`;

t.test('a pipe is imported like a file', async (t) => {
  const service = await usersCommand(t);
  if (service === null) return;
  const { run } = service;
  const pipe = join(t.testdir({}), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const [result] = await Promise.all([run(['import', pipe]), writeFile(pipe, userLine({}))]);
  t.match(result, { code: 0, output: /^1 user imported, / });
});

t.test('refused lines are named with their number and reason, and the others are imported', async (t) => {
  const service = await usersCommand(t);
  if (service === null) return;
  const refused: readonly (readonly [string, RegExp])[] = [
    ['no json', /it is not JSON/],
    ['[]', /it is not a JSON object/],
    [userLine({ role: 'admin' }), /"role" is not a member of a user/],
    [userLine({ constructor: {} }), /"constructor" is not a member of a user/],
    [userLine({ id: '42' }), /id must be a UUID/],
    [userLine({ id: '01890a5d-ac96-8fff-ff41-0123456789ab' }), /id must be a UUID of a standard form/],
    [userLine({ username: '' }), /username must be text of 1 to 320 characters/],
    [userLine({ username: 'a\u0000b' }), /username must be 1 to 150 characters/],
    [userLine({ username: 'bob@example.com' }), /username must not be an address other than/],
    ['{"username":"ann"}', /email is missing/],
    [userLine({ email: 'no address' }), /email must be one mailbox/],
    [userLine({ email: 'a@b.example, c@d.example' }), /email must be one mailbox/],
    [userLine({ emailVerified: 'yes' }), /emailVerified must be true or false/],
    [userLine({ passwordHash: 'secret' }), /passwordHash is of no known kind/],
    [
      userLine({ passwordHash: FOREIGN_HASHES.bcrypt.replace('$04', '$31') }),
      /passwordHash is of no known kind/,
    ],
    [userLine({ claims: ['a'] }), /claims must be an object/],
    [userLine({ claims: { sub: 'x' } }), /claims must not contain sub/],
    [userLine({ claims: { a: 'x'.repeat(1_024) } }), /claims must have at most 1024 bytes/],
    [userLine({ createdAt: 'yesterday' }), /createdAt must be a time/],
    [userLine({ createdAt: '0000-01-01T00:00:00Z' }), /createdAt must be a time/],
    [userLine({ createdAt: '0001-01-01T00:00:00+23:59' }), /createdAt must be a time/],
    [userLine({ createdAt: '9999-12-31T23:59:59-23:59' }), /createdAt must be a time/],
    [userLine({ createdAt: '2016-12-31T23:59:60Z' }), /createdAt must be a time/],
    [userLine({ 'a\u009b31m': 1 }), /"a\\u\{9b\}31m" is not a member of a user/],
    [userLine({ 'a\u202eb': 1 }), /"a\\u\{202e\}b" is not a member of a user/],
    [userLine({ ['x'.repeat(10_000)]: 1 }), /"x{64}" is not a member of a user/],
    [userLine({ passwordHash: argon2Of('m=1048576,t=9,p=4') }), /its parameters are out of bounds/],
    [userLine({ passwordHash: argon2Of('m=4194304,t=1,p=1') }), /its parameters are out of bounds/],
    [userLine({ passwordHash: argon2Of('m=65536,t=64,p=1') }), /its parameters are out of bounds/],
    [userLine({ username: 'x'.repeat(20_000) }), /it is too long/],
    [userLine({ username: 'bob', email: 'ANN@example.com' }), /belongs to another account/],
  ];
  const good = [userLine({ username: 'Ann Lee' }), userLine({ username: 'carl', email: 'carl@example.com' })];
  const lines = [good[0], '', ...refused.map(([text]) => text), good[1]];
  const { output, errors, code } = await service.run(['import', '-'], `\u{feff}${lines.join('\r\n')}\n`);
  t.equal(code, 1);
  t.match(
    output,
    new RegExp(`^2 users imported, 0 unchanged, ${refused.length} refused, [\\d,]+ lines a second\n$`),
  );
  for (const [index, [, reason]] of refused.entries()) {
    const reported = errors.split('\n').find((each) => each.startsWith(`line ${index + 3}: `));
    t.match(reported, reason);
  }
  t.equal((await service.users.list(10)).length, 2);
});

t.test(
  'a hash that takes more than a second to verify is refused, and does not lengthen the time of a refusal',
  async (t) => {
    const service = await usersCommand(t);
    if (service === null) return;
    const costly = FOREIGN_HASHES.bcrypt.replace('$04', '$15');
    const { errors, code } = await service.run(['import', '-'], userLine({ passwordHash: costly }));
    t.equal(code, 1);
    t.match(errors, /^line 1: passwordHash costs \d+ ms to verify, more than 1000 ms$/m);
    t.equal(await service.userTransfer.slowestKind(), 0);
    await service.run(['import', '-'], userLine({ passwordHash: FOREIGN_HASHES.bcrypt }));
    t.ok((await service.userTransfer.slowestKind()) > 0, 'the time of an admitted kind is recorded');
  },
);

t.test('with --strict the first refused line stops the import', async (t) => {
  const service = await usersCommand(t);
  if (service === null) return;
  const input = [userLine({}), 'no json', userLine({ username: 'bob', email: 'bob@example.com' })].join('\n');
  const { output, code } = await service.run(['import', '--strict', '-'], input);
  t.equal(code, 1);
  t.match(output, /^1 user imported, 0 unchanged, 1 refused/);
});

t.test('an export can be imported unchanged, in several batches', async (t) => {
  const service = await usersCommand(t);
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
  t.match(output, /^1,100 users imported, 0 unchanged, 0 refused/);
  t.match(errors, /^500 of 1,100 lines read, \d+ s$/m);
  const sortLines = (text: string) => text.trim().split('\n').toSorted();
  const before = await run(['export']);
  t.equal(sortLines(before.output).length, 1_100);
  t.match(JSON.parse(sortLines(before.output)[0] ?? ''), { email: /@xn--bcher-kva\.example$/ });
  await writeFile(file, before.output);
  t.match((await run(['import', file])).output, /^0 users imported, 1,100 unchanged/);
  await sql`truncate users, user_states cascade`;
  t.match((await run(['import', file])).output, /^1,100 users imported/);
  t.same(sortLines((await run(['export'])).output), sortLines(before.output));
});

t.test('a file that does not exist is named', async (t) => {
  const service = await usersCommand(t);
  if (service === null) return;
  const { errors, code } = await service.run(['import', 'no-such-file']);
  t.equal(code, 1);
  t.match(errors, /no-such-file/);
});
