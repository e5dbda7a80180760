import { spawnSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { completionScript, type Shell } from '../../src/cli/completion.ts';
import { createProgram } from '../../src/cli/program.ts';
import { skipFor } from '../support/skip.ts';

function canRun(shell: Shell): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

/** A folder with the completion script, another folder and another file. */
function folderWithScript(t: Test, shell: Shell): string {
  const script = completionScript(shell, createProgram());
  return t.testdir({ script, 'secret files': {}, 'secrets.txt': '' });
}

/** The words of a command line, and the completions that the shell must offer. The last word is under the cursor. */
const CASES: [string[], string[]][] = [
  [['mi'], ['migrate']],
  [
    ['keys', ''],
    ['list', 'rotate', 'retire', 'reseal', '--help'],
  ],
  [
    ['keys', 'r'],
    ['rotate', 'retire', 'reseal'],
  ],
  [['keys', 'rotate', '--n'], ['--now']],
  [['help', 'mi'], ['migrate']],
  [
    ['help', 'keys', 'r'],
    ['rotate', 'retire', 'reseal'],
  ],
  [['secrets', '--w'], ['--write']],
  [['--version', 'mi'], ['migrate']],
  [
    ['completion', ''],
    ['bash', 'zsh', '--help'],
  ],
  [['--v'], ['--version']],
  [
    ['users', 'list', '--only', ''],
    ['disabled', 'operators'],
  ],
  [['users', 'list', '--only', 'o'], ['operators']],
  [
    ['users', 'list', '--only', 'disabled', '--'],
    ['--query', '--only', '--limit', '--json', '--help'],
  ],
  [['audit', 'list', '--type', 'sessions.reu'], ['sessions.reuse_detected']],
  [
    ['users', 'import', '-'],
    ['--strict', '--help'],
  ],
];

/** Unknown subcommands, and options with a value that no word can complete. */
const WITHOUT_WORDS = [
  ['bogus', ''],
  ['bogus', 'mi'],
  ['keys', 'bogus', ''],
  ['users', 'list', '--limit', ''],
  ['users', 'list', '--query', ''],
  ['demo', '--url', ''],
  ['audit', 'verify', '--head', ''],
  ['audit', 'list', '--session', ''],
];

t.test('bash completes every level of the tree of commands', async (t) => {
  if (!canRun('bash')) return skipFor(t, 'bash');
  const cwd = folderWithScript(t, 'bash');
  const complete = (words: readonly string[]) => {
    const line = ['kinship', ...words].map((word) => `'${word}'`).join(' ');
    const code = `source ./script; COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _kinship; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', code], { cwd, encoding: 'utf8' });
    t.equal(stderr, '');
    return stdout.trim().split('\n');
  };
  for (const [words, expected] of CASES) t.same(complete(words), expected, words.join(' '));
  for (const words of WITHOUT_WORDS) t.same(complete(words), [''], words.join(' '));
  t.same(complete(['secrets', '--write', 'sec']), ['secret files'], 'folders only');
  const both = ['secret files', 'secrets.txt'];
  t.same(complete(['users', 'import', 'sec']).toSorted(), both, 'files and folders');
  t.same(complete(['users', 'import', '--strict', 'sec']).toSorted(), both, 'also after an option');
  // bash makes three words of --only=o.
  t.same(complete(['users', 'list', '--only', '=']), ['disabled', 'operators']);
  t.same(complete(['users', 'list', '--only', '=', 'o']), ['operators']);
  t.same(complete(['secrets', '--write', '=', 'sec']), ['secret files']);
  const names = createProgram().commands.map((command) => command.name());
  const shown = names.filter((name) => name !== 'setup'); // hidden: compose.prod.yml calls it
  t.same(complete(['']), [...shown, '--version', '--help']);
});

t.test('zsh completes every level of the tree of commands', async (t) => {
  if (!canRun('zsh')) return skipFor(t, 'zsh');
  const cwd = folderWithScript(t, 'zsh');
  const complete = (words: readonly string[]) => {
    const line = ['kinship', ...words].map((word) => `'${word}'`).join(' ');
    // Runs without a line editor. The test calls the function as the editor does, and prints its completions.
    const code = `compdef() { : }; compset() { : }; _files() { print -- _files $* }; _describe() { print -l -- "\${(@P)2}" }; source ./script; words=(${line}); CURRENT=${words.length + 1}; _kinship`;
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', code], { cwd, encoding: 'utf8' });
    t.equal(stderr, '');
    return stdout
      .trim()
      .split('\n')
      .map((entry) => entry.split(':')[0] ?? '');
  };
  const completeWord = (words: readonly string[]) =>
    complete(words).filter((word) => word.startsWith(words.at(-1) ?? ''));
  for (const [words, expected] of CASES) t.same(completeWord(words), expected, words.join(' '));
  for (const words of WITHOUT_WORDS) t.same(complete(words), [''], words.join(' '));
  t.same(complete(['secrets', '--write', 'sec']), ['_files -/'], 'folders only');
  t.same(complete(['users', 'import', 'sec']), ['_files'], 'files and folders');
  t.same(complete(['users', 'list', '--only=o']), ['disabled', 'operators']);
  t.same(complete(['secrets', '--write=sec']), ['_files -/']);

  const loaded = spawnSync('zsh', ['-f', '-c', 'source ./script; print -- $_comps[kinship]'], {
    cwd,
    env: { ...process.env, HOME: cwd, ZDOTDIR: cwd },
    encoding: 'utf8',
  });
  t.same([loaded.stdout, loaded.stderr], ['_kinship\n', ''], 'a shell that has not loaded compinit');
});
