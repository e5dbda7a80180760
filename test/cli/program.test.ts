import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import t from 'tap';
import { createProgram } from '../../src/cli/program.ts';
import { kinship } from '../support/kinship.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
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
  const env = { DATABASE_URL: await testDatabase(t), DATA_DIR: t.testdir(), ACCESS_TOKEN_ALG: 'EdDSA' };
  const id = `-${'a'.repeat(42)}`;
  t.match(await kinship(['keys', 'retire', id], env), { code: 1, stderr: `There is no key ${id}.` });
});
