/**
 * Builds test files, runs each in its own process, and reports.
 *
 * Arguments: patterns of files; or `--all` for every `.test.ts`, or `--long` for every `.long.ts`. `--jobs` says how
 * many files run at a time. `--timeout` is the seconds of a file, unless its line `// timeout: <seconds>` allows more.
 * With the variable `COVERAGE` the run adds its coverage to the earlier runs, for scripts/prepare-coverage.ts.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { globSync } from 'tinyglobby';
import { buildTests } from './build-tests.ts';
import { createReport } from './test-report.ts';

const COVERAGE = '.build/coverage';
/** Milliseconds after its timeout in which a file may report the timeout itself. */
const GRACE_MS = 5_000;
/** Node.js calls its mocked timers experimental. */
const QUIET = '--disable-warning=ExperimentalWarning';
const OWN_TIMEOUT = /^\/\/ timeout: (\d+)$/m;
/** The folders of the slowest files. These files start first, so that no slow file runs alone at the end. */
const SLOWEST = [
  'test/e2e/',
  'test/adapters/',
  'test/cli/',
  'test/http/attacks/',
  'test/app/',
  'test/console/',
];

const { values, positionals } = readArguments();
const [ALL, ALL_LONG] = ['test/**/*.test.ts', 'test/**/*.long.ts'];
const patterns = positionals.length > 0 ? positionals : [values.long ? ALL_LONG : ALL];
for (const pattern of patterns)
  if (globSync(pattern).length === 0) endWithUsage(`No file matches ${pattern}.`);
const waiting = globSync(patterns).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));

/** A run of some files has a folder of its own, so it does not disturb a run of all files. */
const folder = positionals.length > 0 ? '.build/some' : '.build/all';
const env = { ...process.env, TAP: '1' };
if (process.env.COVERAGE) Object.assign(env, { NODE_V8_COVERAGE: COVERAGE });
// The run of `.test.ts` and the run of `.long.ts` build the same files, so that their coverage can be merged.
await buildTests(positionals.length > 0 ? waiting : globSync([ALL, ALL_LONG]), folder);
const report = createReport();
await Promise.all(Array.from({ length: Number(values.jobs) }, runAll));
process.exitCode = report.end();

function readArguments() {
  try {
    const read = parseArgs({
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        long: { type: 'boolean', default: false },
        jobs: { type: 'string', default: String(availableParallelism()) },
        timeout: { type: 'string', default: '300' },
      },
    });
    const { all, long } = read.values;
    if (read.positionals.length > 0 || all || long) return read;
  } catch (error) {
    endWithUsage((error as Error).message);
  }
  return endWithUsage('No test is named.');
}

function endWithUsage(fault: string): never {
  process.stderr.write(
    `${fault} Usage: npm run test:file -- test/domain/refresh-verdict.test.ts, or a pattern in quotes\n`,
  );
  process.exit(1);
}

function rank(file: string): number {
  const index = SLOWEST.findIndex((start) => file.startsWith(start));
  return index === -1 ? SLOWEST.length : index;
}

async function runAll(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await run(file);
}

/** Runs a file. Kills it if it does not end after its timeout. */
async function run(file: string): Promise<void> {
  const timeout = secondsOf(file);
  const child = spawn(process.execPath, [QUIET, `${folder}/${file.replace(/\.ts$/, '.js')}`], {
    env: { ...env, TAP_TIMEOUT: String(timeout) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeout * 1000 + GRACE_MS,
    killSignal: 'SIGKILL',
  });
  await report.readFile(file, child);
}

function secondsOf(file: string): number {
  const [, own] = OWN_TIMEOUT.exec(readFileSync(file, 'utf8')) ?? [];
  return Math.max(Number(values.timeout), Number(own ?? 0));
}
