import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { FolderInUse, lockByFile, lockFolder } from '../../src/adapters/postgres/embedded/lock.ts';
import { createSocketPath } from '../../src/adapters/postgres/embedded/socket-path.ts';
import { type EmbeddedDatabase, startEmbedded } from '../../src/adapters/postgres/embedded/start.ts';
import { modulePath, scriptArguments } from '../support/program.ts';

const START = modulePath('src/adapters/postgres/embedded/start.ts');
const LOCK = modulePath('src/adapters/postgres/embedded/lock.ts');
const PROTOCOL_3 = '\0\x03\0\0';
const BIND = message('B', '\0'.repeat(8));
const EXECUTE = message('E', '\0'.repeat(5));
const onLinux = process.platform === 'linux';

const root = await mkdtemp(join(tmpdir(), 'embedded-test-'));
t.teardown(() => rm(root, { recursive: true, force: true }));

/** The creation of a database takes seconds. So the first test creates this one, and the other tests copy it. */
const template = join(root, 'template');

async function folderWithDatabase(): Promise<string> {
  const folder = await mkdtemp(join(root, 'data-'));
  await cp(template, folder, { recursive: true });
  return folder;
}

async function start(t: Test, folder?: string): Promise<EmbeddedDatabase> {
  const db = await startEmbedded(folder ?? (await folderWithDatabase()));
  t.teardown(() => db.close());
  return db;
}

function client(db: EmbeddedDatabase): postgres.Sql {
  return postgres({ path: db.socketPath, user: 'postgres', database: 'postgres', max: 1 });
}

async function withClient<T>(db: EmbeddedDatabase, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = client(db);
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

const readNotes = (db: EmbeddedDatabase) =>
  withClient(db, async (sql) => (await sql`select text from notes order by text`).map((row) => row.text));

const readMode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

t.test('a start after an interrupted first start creates the database', async (t) => {
  await mkdir(join(template, 'pg.draft'), { recursive: true });
  await writeFile(join(template, 'pg.draft', 'PG_VERSION'), '18\n');
  const db = await start(t, template);
  await withClient(db, (sql) => sql`create table notes (text text primary key)`);

  t.equal(await readMode(join(template, 'pg')), '700');
  t.equal(await readMode(dirname(db.socketPath)), '700');
  t.equal(await readMode(join(template, 'pg.socket')), '600');
  t.equal(await readFile(join(template, 'pg.socket'), 'utf8'), db.socketPath);

  await Promise.all([db.close(), db.close()]);
  t.notOk(existsSync(dirname(db.socketPath)), 'the folder of the socket is gone');
  t.strictSame(await readdir(template), ['pg']);
});

t.test('committed rows are kept over a restart', async (t) => {
  const folder = await folderWithDatabase();
  const db = await start(t, folder);
  await withClient(db, (sql) => sql.begin((tx) => tx`insert into notes values ('kept')`));
  await db.close();
  t.strictSame(await readNotes(await start(t, folder)), ['kept']);
});

t.test('without a temporary folder the socket is under the data folder', async (t) => {
  withoutTemporaryFolder(t);
  const folder = await folderWithDatabase();
  const db = await start(t, folder);
  t.equal(dirname(dirname(db.socketPath)), folder);
  t.equal(await readMode(dirname(db.socketPath)), '700');
  t.strictSame(await readNotes(db), []);
  await db.close();
  t.strictSame(await readdir(folder), ['pg']);
});

t.test('the socket gets a writable folder, or the start fails with one line', async (t) => {
  const home = await mkdtemp(join(root, 'home-'));
  t.equal(dirname(dirname(await createSocketPath(home))), tmpdir());
  withoutTemporaryFolder(t);
  t.equal(dirname(dirname(await createSocketPath(home))), home);
  const deep = join(home, 'x'.repeat(100));
  await t.rejects(createSocketPath(deep), {
    message: /^The embedded database cannot create its socket\. .*ENOTDIR.*limited to 103 bytes.*$/,
  });
});

function withoutTemporaryFolder(t: Test): void {
  const file = join(root, 'file');
  writeFileSync(file, '');
  // The folder is below a file, so that no program can create it. tsx, which loads the thread of the database, must
  // then work without its cache.
  const values = { TMPDIR: join(file, 'nowhere'), TSX_DISABLE_CACHE: '1' };
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, values);
  t.teardown(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

t.test('a folder of another PostgreSQL version is refused and not changed', async (t) => {
  const folder = await folderWithDatabase();
  await writeFile(join(folder, 'pg', 'PG_VERSION'), '17\n');
  const refused = startEmbedded(folder);
  await t.rejects(refused, {
    message: `The embedded database in ${folder} cannot be opened`,
    cause: { message: /FATAL: +database files are incompatible with server/ },
  });
  t.strictSame(await readdir(folder), ['pg'], 'no file is left');

  await writeFile(join(folder, 'pg', 'PG_VERSION'), '18\n');
  await t.resolves(start(t, folder), 'the folder is free again');
});

t.test('a folder with other content is neither used nor overwritten', async (t) => {
  const folder = join(root, 'foreign');
  await mkdir(join(folder, 'pg'), { recursive: true });
  await writeFile(join(folder, 'pg', 'letter.txt'), 'mine');
  await t.rejects(startEmbedded(folder), { message: /cannot be opened/, cause: { code: 'ENOTEMPTY' } });
  t.equal(await readFile(join(folder, 'pg', 'letter.txt'), 'utf8'), 'mine');
});

t.test('a second process that opens the folder is refused', async (t) => {
  const folder = await folderWithDatabase();
  const db = await start(t, folder);
  await t.rejects(
    startEmbedded(folder),
    { name: 'FolderInUse', message: `${folder} is in use` },
    'in this process',
  );
  await symlink(folder, join(root, 'alias'));
  await t.rejects(startEmbedded(join(root, 'alias')), FolderInUse, 'by another path');

  const other = runElsewhere(t, START, `startEmbedded(${JSON.stringify(folder)})`);
  t.match(
    await other.line,
    /^FolderInUse: .* is in use by another Kinship process\. Stop that process/,
    'in another process',
  );

  t.equal(await readFile(join(folder, 'pg.socket'), 'utf8'), db.socketPath, 'the record is still there');
  t.strictSame(await readNotes(db), [], 'and the first process continues');
});

t.test('after its process was killed the folder can be opened, and no committed row is lost', async (t) => {
  const folder = await folderWithDatabase();
  const owner = runElsewhere(t, START, `startEmbedded(${JSON.stringify(folder)})`);
  t.equal(await owner.line, 'ok');
  const socketPath = await readFile(join(folder, 'pg.socket'), 'utf8');
  const sql = postgres({ path: socketPath, user: 'postgres', max: 1 });
  await sql`insert into notes values ('committed')`;
  await sql.end();
  await sendMessages(
    await open(socketPath),
    query('begin'),
    query("insert into notes values ('not committed')"),
  );
  await owner.kill();

  t.strictSame(await readNotes(await start(t, folder)), ['committed']);
  t.notOk(
    existsSync(dirname(socketPath)),
    'the files of the killed process in the temporary folder are removed',
  );
});

t.test('a dropped connection leaves no rows and does not block the next client', async (t) => {
  const db = await start(t);

  // Another client stays connected. Without one the server resets the session before the next client.
  const bystander = await open(db.socketPath);
  t.teardown(() => bystander.destroy());
  const lost = "insert into notes values ('lost')";
  const drops = {
    'inside a transaction': [query('begin'), query(lost)],
    'inside a transaction that failed': [query('begin'), query(lost), query('select no_such_column')],
    'before it ended its statement': [parse(lost), BIND, EXECUTE],
    'before it ended a statement that failed': [parse('select no_such_column')],
    'before it ended a statement that failed inside a transaction': [query('begin'), parse('select no_such')],
  };
  for (const [when, messages] of Object.entries(drops)) {
    const socket = await open(db.socketPath);
    await sendMessages(socket, ...messages);
    socket.destroy();
    t.strictSame(await readNotes(db), [], when);
    await withClient(db, async (sql) => {
      await sql`insert into notes values ('next')`;
      t.equal((await sql`delete from notes`).count, 1, 'and the next client is answered');
    });
  }
});

t.test('a client does not get the settings of a client that has disconnected', async (t) => {
  const db = await start(t);
  await withClient(db, (sql) => sql.unsafe('set search_path = nowhere; prepare mine as select 1').simple());
  await withClient(db, async (sql) => {
    t.match(await sql`show search_path`, [{ search_path: 'public' }]);
    t.equal((await sql`select from pg_prepared_statements where name = 'mine'`).count, 0);
  });
});

t.test('several concurrent clients each get their own answers', async (t) => {
  const db = await start(t);
  const clients = Array.from({ length: 4 }, () => client(db));
  t.teardown(() => Promise.all(clients.map((sql) => sql.end())));

  // Each statement has its own text and is not prepared. So the client sends two messages, with a gap between them.
  const ask = async (sql: postgres.TransactionSql | postgres.Sql, n: number) => {
    const rows = await sql.unsafe(`select $1::int as mine, ${n} as yours`, [n]);
    return rows.length === 1 && rows[0]?.mine === n && rows[0]?.yours === n;
  };
  const fail = (sql: postgres.Sql, n: number) =>
    sql.unsafe(`select $1::int, no_column_${n}`, [n]).then(
      () => false,
      (error: Error) => error.message === `column "no_column_${n}" does not exist`,
    );
  const transact = (sql: postgres.Sql, n: number) =>
    sql.begin(async (tx) => {
      await tx`insert into notes values (${n})`;
      return ask(tx, n);
    });
  const kinds = [ask, fail, transact];

  const answers = clients.flatMap((sql, k) =>
    Array.from({ length: 60 }, (_, i) => kinds[i % kinds.length]!(sql, k * 60 + i)),
  );
  const right = (await Promise.all(answers)).filter(Boolean);
  t.equal(right.length, 240);
  t.equal((await readNotes(db)).length, 80);
});

t.test('closing the database rolls back the open transaction of a client', async (t) => {
  const folder = await folderWithDatabase();
  const db = await start(t, folder);
  await sendMessages(await open(db.socketPath), query('begin'), query("insert into notes values ('lost')"));
  await db.close();
  t.strictSame(await readNotes(await start(t, folder)), []);
});

t.test('an unexpected end of the database is reported', async (t) => {
  const folder = await folderWithDatabase();
  const db = await start(t, folder);
  const socket = await open(db.socketPath);
  socket.write(message('%', ''));
  t.match(await db.failure, { message: /^FATAL: +invalid frontend message type/ });
  await db.close();
  t.strictSame(await readdir(folder), ['pg']);
  t.strictSame(await readNotes(await start(t, folder)), []);
});

t.test(
  'on systems without abstract sockets, a lock file locks a folder until its process ends',
  async (t) => {
    const folder = await mkdtemp(join(root, 'lock-'));
    const unlock = await lockByFile(folder);
    await t.rejects(lockByFile(folder), FolderInUse);
    await unlock();

    const owner = runElsewhere(t, LOCK, `lockByFile(${JSON.stringify(folder)})`);
    t.equal(await owner.line, 'ok');
    await t.rejects(lockByFile(folder), FolderInUse, 'held by another process');
    await owner.kill();
    t.ok(existsSync(join(folder, 'pg.lock')), 'the killed process left its lock file');
    await (await lockByFile(folder))();

    const deep = join(folder, 'x'.repeat(100));
    await t.rejects(lockByFile(deep), { message: /limited to 103 bytes/ });
  },
);

t.test('a lock by an abstract socket leaves no file', { skip: !onLinux }, async (t) => {
  const folder = await mkdtemp(join(root, 'lock-'));
  const unlock = await lockFolder(folder);
  t.strictSame(await readdir(folder), []);
  await t.rejects(lockFolder(folder), FolderInUse);
  await unlock();
  await (await lockFolder(folder))();
});

/** Another process that evaluates the call and keeps the result. `line` is "ok" or the error. */
function runElsewhere(
  t: Test,
  module: string,
  call: string,
): { line: Promise<string>; kill(): Promise<void> } {
  const name = call.slice(0, call.indexOf('('));
  const code = `import(${JSON.stringify(module)}).then(({ ${name} }) => ${call}).then(
    () => { console.log('ok'); setInterval(() => {}, 1000); },
    (error) => console.log(error.name + ': ' + error.message),
  )`;
  const child: ChildProcess = spawn(process.execPath, scriptArguments(code), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  t.teardown(kill);
  const line = once(createInterface(child.stdout!), 'line').then(([text]) => String(text));
  return { line, kill };
}

/** A client that has sent the startup message. */
async function open(socketPath: string): Promise<Socket> {
  const socket = connect(socketPath);
  const startup = message('', `${PROTOCOL_3}user\0postgres\0\0`);
  await sendMessages(socket, startup);
  return socket;
}

/** Sends the messages one after another, each after the answer to the previous one. */
async function sendMessages(socket: Socket, ...messages: Buffer[]): Promise<void> {
  for (const message of messages) {
    socket.write(message);
    await once(socket, 'data');
  }
}

function query(text: string): Buffer {
  return message('Q', `${text}\0`);
}

function parse(text: string): Buffer {
  return message('P', `\0${text}\0\0\0`);
}

/** A message of PostgreSQL's protocol: its type, the length of the rest, and the body. */
function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}\0\0\0\0${body}`);
  bytes.writeInt32BE(bytes.length - type.length, type.length);
  return bytes;
}
