import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import t from 'tap';
import { lockFolder } from '../../src/adapters/postgres/embedded/lock.ts';
import { createProgram } from '../../src/cli/program.ts';
import { kinship } from '../support/kinship.ts';
import { migratedDatabase, requirePostgres } from '../support/postgres.ts';
import { PROGRAM } from '../support/program.ts';

/** Each command of the tree. */
function commandsIn(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsIn)];
}

/** The output of commander for these arguments, in this process. No command runs. */
async function answerTo(words: readonly string[]) {
  const program = createProgram();
  let [stdout, stderr, code] = ['', '', -1];
  for (const command of commandsIn(program))
    command
      .configureOutput({
        writeOut: (text) => {
          stdout += text;
        },
        writeErr: (text) => {
          stderr += text;
        },
      })
      .exitOverride((error) => {
        code = error.exitCode;
        throw error;
      });
  await program.parseAsync(words, { from: 'user' }).catch(() => {});
  return { code, stdout, stderr };
}

const pathOf = (command: Command): string[] =>
  command.parent === null ? [] : [...pathOf(command.parent), command.name()];

t.test('--help prints the usage of each command, with exit code 0', async (t) => {
  const paths = commandsIn(createProgram()).map(pathOf);
  t.ok(paths.length > 8);
  for (const words of paths) {
    const { code, stdout, stderr } = await answerTo([...words, '--help']);
    t.match({ code, stderr }, { code: 0, stderr: '' });
    t.ok(stdout.startsWith(`Usage: ${['kinship', ...words].join(' ')} `), stdout);
  }
});

t.test('help prints what --help prints', async (t) => {
  for (const words of [[], ['keys'], ['keys', 'rotate'], ['demo']])
    t.same(await answerTo(['help', ...words]), await answerTo([...words, '--help']));
});

t.test('an unknown command or option is an error with a hint', async (t) => {
  const refused: [string, RegExp][] = [
    ['mirgate', /unknown command 'mirgate'\n\(Did you mean migrate\?\)/],
    ['migrate now', /too many arguments for 'migrate'/],
    ['migrate --dry-run', /unknown option '--dry-run'/],
    ['purge --dry-run', /unknown option '--dry-run'/],
    ['serve now', /too many arguments for 'serve'/],
    ['serve --port 1', /unknown option '--port'/],
    ['secrets --wrte x', /unknown option '--wrte'\n\(Did you mean --write\?\)/],
    ['secrets --write', /argument missing/],
    ['keys drop', /unknown command 'drop'/],
    ['keys list --now', /unknown option '--now'/],
    ['keys rotate now', /too many arguments for 'rotate'/],
    ['keys retire', /missing required argument 'id'/],
    ['help keys drop', /unknown command 'drop'/],
    ['demo --email ann', /It must be an address/],
    ['audit list --type sessions.reuse_detecte', /Allowed choices are .*sessions\.reuse_detected, /],
    ['completion fish', /Allowed choices are bash, zsh/],
  ];
  for (const [words, reason] of refused) {
    const { code, stdout, stderr } = await answerTo(words.split(' '));
    t.match({ code, stdout }, { code: 1, stdout: '' }, words);
    t.match(stderr, reason);
    t.match(stderr, /Add --help to see the commands and options\.\n/);
  }
  t.match(await answerTo(['keys']), { code: 1, stdout: '', stderr: /^Usage: kinship keys / });
});

t.test(
  'the process answers --help and --version, and refuses a mistyped command, without any effect',
  async (t) => {
    const DATA_DIR = t.testdir();
    t.match(await kinship(['--help'], { DATA_DIR }), { code: 0, stdout: /^Usage: kinship \[options\]/ });
    t.match(await kinship(['migrate', '--help'], { DATA_DIR }), {
      code: 0,
      stdout: /^Usage: kinship migrate/,
    });
    const { version } = JSON.parse(await readFile('package.json', 'utf8'));
    t.same(await kinship(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
    t.match(await kinship(['migrate', '--dry-run'], { DATA_DIR }), {
      code: 1,
      stdout: '',
      stderr: /--dry-run/,
    });
    t.same(readdirSync(DATA_DIR), []);
  },
);

t.test('a command ends without a stack trace if the reader of its output exits', async (t) => {
  const child = spawn(process.execPath, [...PROGRAM, 'secrets'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const stderr = await text(child.stderr);
  t.same([stderr, child.exitCode ?? (await once(child, 'exit'))[0]], ['', 0]);
});

t.test('the id of a key may begin with a hyphen', async (t) => {
  if (!(await requirePostgres(t))) return;
  const env = { DATABASE_URL: await migratedDatabase(t), DATA_DIR: t.testdir(), ACCESS_TOKEN_ALG: 'EdDSA' };
  const id = `-${'a'.repeat(42)}`;
  t.match(await kinship(['keys', 'retire', id], env), { code: 1, stderr: `There is no key ${id}.` });
});

t.test('an origin without a scheme is read as http, and text that is no origin is refused', async (t) => {
  const demo = (url: string) => kinship(['demo', '--url', url], { DATA_DIR: t.testdirName });
  t.match(await demo('127.0.0.1:1'), { code: 1, stderr: /^No service answers at http:\/\/127\.0\.0\.1:1: / });
  for (const url of ['ftp://127.0.0.1', 'http://', 'a b'])
    t.match(
      await demo(url),
      { code: 1, stderr: /It must be an origin, such as http:\/\/localhost:3000\./ },
      url,
    );
});

t.test('a file that cannot be imported is named, before a database is created', async (t) => {
  const DATA_DIR = join(t.testdir({ folder: {} }), 'data');
  const importFile = (file: string) => kinship(['users', 'import', file], { DATA_DIR });
  const missing = join(t.testdirName, 'missing.jsonl');
  t.match(await importFile(missing), { code: 1, stderr: `There is no file ${missing}.\n` });
  const folder = join(t.testdirName, 'folder');
  t.match(await importFile(folder), { code: 1, stderr: `${folder} is a folder. Name a file with` });
  t.notOk(existsSync(DATA_DIR));
});

t.test('a start on the data folder of another process fails with one line without a stack', async (t) => {
  const DATA_DIR = t.testdir();
  const unlock = await lockFolder(DATA_DIR);
  t.teardown(unlock);
  const { code, stdout } = await kinship(['serve'], { DATA_DIR, API_PORT: '0' });
  t.equal(code, 1);
  const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  t.match(last, {
    msg: /^the service did not start: .* is in use by another Kinship process\./,
    err: undefined,
  });
});

t.test('the demo says that another server than Kinship answers', async (t) => {
  const answers = [
    [404, 'Not found'],
    [404, '{"type":"about:blank"}'],
    [200, '<!doctype html>'],
  ] as const;
  for (const [status, body] of answers) {
    const server = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
    t.teardown(() => server.close());
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    t.same(await kinship(['demo', '--url', url], { DATA_DIR: t.testdirName }), {
      code: 1,
      stdout: '',
      stderr: `No Kinship answers at ${url}: check --url or API_PORT. Another server answered POST /auth/login with status ${status}.\n`,
    });
  }
});

t.test('the npm script of a command runs the build, and without a build it names npm ci', async (t) => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
  const named = createProgram().commands.map((command) => command.name());
  for (const name of named.filter((name) => name in scripts))
    t.equal(scripts[name], `node scripts/kinship.mjs ${name}`);
  const scriptFiles = await scriptsWith('kinship.mjs');
  const run = (folder: string) =>
    promisify(execFile)(process.execPath, ['scripts/kinship.mjs', 'keys', 'list'], { cwd: folder });
  await t.rejects(run(t.testdir({ scripts: scriptFiles })), {
    code: 1,
    stdout: '',
    stderr: 'The service is not built. Run: npm ci\n',
  });
  const built = t.testdir({
    'package.json': '{"type":"module"}',
    scripts: scriptFiles,
    dist: { 'main.js': 'console.log(JSON.stringify(process.argv.slice(1)))' },
  });
  const { stdout } = await run(built);
  t.same(JSON.parse(stdout), [join(built, 'dist/main.js'), 'keys', 'list']);
});

t.test('without packages, the scripts of the tests and of the development name npm ci', async (t) => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
  for (const name of ['test', 'test:file', 'test:long', 'dev'])
    t.match(scripts[name], /^node scripts\/require-packages\.mjs && /);
  const scriptFiles = await scriptsWith('require-packages.mjs');
  const run = (folder: string) =>
    promisify(execFile)(process.execPath, [join(folder, 'scripts/require-packages.mjs')]);
  await t.rejects(run(t.testdir({ scripts: scriptFiles })), {
    code: 1,
    stdout: '',
    stderr: 'The packages are not installed. Run: npm ci\n',
  });
  t.same(await run('.'), { stdout: '', stderr: '' });
});

t.test('with a Node.js that is too old, the npm scripts name the version that they need', async (t) => {
  const run = (script: string, version: string) => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
    return promisify(execFile)(process.execPath, ['--import', `data:text/javascript,${pretend}`, script]);
  };
  for (const script of ['scripts/kinship.mjs', 'scripts/require-packages.mjs'])
    await t.rejects(run(script, '18.20.8'), {
      code: 1,
      stdout: '',
      stderr: /^Kinship needs Node\.js 22\.12 or later, or a release of .* This is 18\.20\.8\.\n$/,
    });
  for (const version of ['20.18.3', '21.7.3', '22.11.0'])
    await t.rejects(run('scripts/require-node.mjs', version), { code: 1 }, version);
  for (const version of ['20.19.0', '22.12.0', '23.0.0', '24.1.0'])
    t.same(await run('scripts/require-node.mjs', version), { stdout: '', stderr: '' }, version);
  const { engines } = JSON.parse(await readFile('package.json', 'utf8'));
  t.equal(engines.node, '^20.19.0 || >=22.12.0', 'as the script checks');
});

t.test('a command names the cause of an unavailable database, and the command that checks it', async (t) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none', DATA_DIR: t.testdir() };
  for (const words of ['users list', 'purge', 'migrate'])
    t.match(await kinship(words.split(' '), env), {
      code: 1,
      stdout: '',
      stderr: /^The database cannot be used: connect ECONNREFUSED 127\.0\.0\.1:1\. Run .+ doctor\.\n$/,
    });
  const { code, stdout } = await kinship(['serve'], env);
  t.equal(code, 1);
  t.match(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''), {
    msg: /^the service did not start: the database cannot be used: connect ECONNREFUSED 127\.0\.0\.1:1; .+ doctor/,
    err: undefined,
  });
});

/** The contents of a script and of the script that it imports, by their names. */
async function scriptsWith(name: string): Promise<Record<string, string>> {
  const names = [name, 'require-node.mjs'];
  return Object.fromEntries(
    await Promise.all(names.map(async (each) => [each, await readFile(`scripts/${each}`, 'utf8')])),
  );
}
