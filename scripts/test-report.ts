/**
 * The report of a test run: reads TAP from standard input and writes a line per test file, then what was skipped,
 * then each failure, then `N passed, N failed`. On a terminal one line counts the passed files.
 */
import { inspect } from 'node:util';
import { Parser, type Result } from 'tap-parser';

const { stdout } = process;
const started = performance.now();
const skipped: Result[] = [];
const failed: Result[] = [];
let passed = 0;
let files = 0;

const report = new Parser({ passes: false });
report.on('child', showComments);
report.on('assert', showFile);
report.on('pass', () => {
  passed += 1;
});
report.on('skip', (result: Result) => skipped.push(result));
report.on('fail', (result: Result) => failed.push(result));
report.on('complete', showResults);
process.stdin.pipe(report);

/** Figures that a test prints. */
function showComments(parser: Parser): void {
  parser.on('child', showComments);
  parser.on('comment', (comment: string) => {
    if (!/^# (Subtest: |time=|test count\()/.test(comment)) show(comment.trimEnd());
  });
}

function showFile({ ok, name, time }: Result): void {
  files += 1;
  const seconds = `${((time ?? 0) / 1000).toFixed(1)} s`.padStart(7);
  const line = `${ok ? 'ok    ' : 'failed'} ${seconds}  ${name}`;
  if (!ok || !stdout.isTTY) show(line);
  if (stdout.isTTY) stdout.write(`\r\x1b[K${files} files, ${passed} passed, ${failed.length} failed`);
}

function showResults(): void {
  for (const { fullname, skip } of skipped) show(`skipped: ${fullname}${skip === true ? '' : `: ${skip}`}`);
  for (const { fullname, diag } of failed) show(`\nfailed: ${fullname}\n${indent(details(diag))}`);
  const seconds = Math.round((performance.now() - started) / 1000);
  const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  show(`\n${files} files in ${Math.floor(seconds / 60)} min ${seconds % 60} s`);
  show(`${passed} passed, ${failed.length} failed${skips}`);
}

const MAX_LENGTH = 4_000;
const DEPTH = { depth: 6, maxStringLength: 1_000 };

/** The details of a failure, without the source lines and the arguments of the process. */
function details(diag: unknown): string {
  if (typeof diag !== 'object' || diag === null) return '';
  return Object.entries(diag)
    .filter(([name]) => !['source', 'args', 'command', 'stdio'].includes(name))
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : inspect(value, DEPTH)}`)
    .map((text) => (text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)} …` : text))
    .join('\n');
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

/** Writes a line. On a terminal it replaces the line with the counts. */
function show(line: string): void {
  stdout.write(`${stdout.isTTY ? '\r\x1b[K' : ''}${line}\n`);
}
