/**
 * The report of a test run: a line for each test file, then each skipped test, then each failure, then
 * `N passed, N failed`. On a terminal, one line with counts replaces the lines of passed files. The standard error of a
 * test process is shown only if its file failed.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { Parser, type Result } from 'tap-parser';
import { mapStack } from './source-positions.ts';

export type TestProcess = ChildProcessByStdio<null, Readable, Readable>;

const { stdout } = process;

export function createReport() {
  const started = performance.now();
  const skipped: string[] = [];
  const failed: { readonly name: string; readonly details: string }[] = [];
  /** The lines on standard error of each failed file. */
  const errorLines: (readonly string[])[] = [];
  let passed = 0;
  let files = 0;

  /** Reads the TAP of a test process, and shows its result. Resolves when the process has ended. */
  async function readFile(file: string, child: TestProcess): Promise<void> {
    const start = performance.now();
    let failures = 0;
    const fail = (name: string, details: string) => {
      failures += 1;
      failed.push({ name, details });
    };
    const parser = new Parser({ name: file, passes: false });
    showComments(parser);
    parser.on('pass', () => {
      passed += 1;
    });
    parser.on('skip', ({ fullname, skip }: Result) => {
      skipped.push(skip === true ? fullname : `${fullname}: ${skip}`);
    });
    parser.on('fail', ({ fullname, diag }: Result) => {
      fail(fullname, details(diag));
    });
    const parsed = new Promise((resolve) => parser.once('complete', resolve));
    child.stdout.pipe(parser);
    const errors: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      errors.push(line);
    });
    const exited = new Promise<number | string | null>((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal));
    });
    const [end] = await Promise.all([exited, parsed]);
    if (failures === 0 && (end !== 0 || !parser.ok))
      fail(file, end === 0 ? 'its output is incomplete' : `it ended with ${end}`);
    if (failures > 0) errorLines.push(errors);
    files += 1;
    showFile(file, failures === 0, performance.now() - start);
  }

  function showFile(file: string, ok: boolean, duration: number): void {
    const seconds = `${(duration / 1000).toFixed(1)} s`.padStart(7);
    if (!ok || !stdout.isTTY) show(`${ok ? 'ok    ' : 'failed'} ${seconds}  ${file}`);
    if (stdout.isTTY) stdout.write(`\r\x1b[K${files} files, ${passed} passed, ${failed.length} failed`);
  }

  /** Shows the results, and returns the exit code. */
  function end(): number {
    for (const name of skipped) show(`skipped: ${name}`);
    errorLines.flat().forEach(show);
    for (const { name, details } of failed) show(`\nfailed: ${name}\n${details.replace(/^/gm, '  ')}`);
    const seconds = Math.round((performance.now() - started) / 1000);
    const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
    show(`\n${files} files in ${Math.floor(seconds / 60)} min ${seconds % 60} s`);
    show(`${passed} passed, ${failed.length} failed${skips}`);
    return failed.length === 0 ? 0 : 1;
  }

  return { readFile, end };
}

/** Shows the comments of a test, such as the figures that it prints. */
function showComments(parser: Parser): void {
  parser.on('child', showComments);
  parser.on('comment', (comment: string) => {
    if (!/^# (Subtest: |time=|test count\(|\{ total: )/.test(comment)) show(comment.trimEnd());
  });
}

const MAX_LENGTH = 4_000;
const DEPTH = { depth: 6, maxStringLength: 1_000 };

/** The details of a failure, without the source lines and the arguments of the process. */
function details(diag: unknown): string {
  if (typeof diag !== 'object' || diag === null) return '';
  return Object.entries(diag)
    .filter(([name]) => !['source', 'args', 'command', 'stdio'].includes(name))
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? mapStack(value) : inspect(value, DEPTH)}`)
    .map((text) => (text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)} …` : text))
    .join('\n');
}

/** Writes a line. On a terminal it replaces the line with the counts. */
function show(line: string): void {
  stdout.write(`${stdout.isTTY ? '\r\x1b[K' : ''}${line}\n`);
}
