import { execFile, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { skipFor } from './skip.ts';

/** Commands in a document, and the answer that the document shows for the last command. */
export interface Step {
  readonly commands: string;
  /** Undefined if the commands send no request. */
  readonly status: number | undefined;
  /** Undefined if the document does not show it. */
  readonly body: string | undefined;
}

/** The result of a step: the status of its last request, and its output. */
export interface Outcome {
  readonly status: number | undefined;
  readonly body: string;
}

const ORIGIN = 'http://localhost:3000';
const BLOCK = /^```(\w+)\n([\s\S]*?)^```$/gm;

/** Returns whether bash and curl are installed. If not, skips the test, or fails it with CI=true. */
export function requireCurl(t: Pick<Test, 'plan'>): boolean {
  const missing = ['bash', 'curl'].filter((program) => spawnSync(program, ['--version']).status !== 0);
  if (missing.length > 0) skipFor(t, missing.join(' and '));
  return missing.length === 0;
}

/**
 * The shell blocks of a document that call curl, define a function or remove files. Each has the answer that the
 * document shows after it.
 */
export async function readSteps(file: string): Promise<Step[]> {
  return stepsIn(await readFile(file, 'utf8'));
}

export function stepsIn(document: string): Step[] {
  const blocks = [...document.matchAll(BLOCK)];
  return blocks.flatMap(([, language, commands = ''], index) => {
    const callsCurl = commands.includes('curl ');
    // These tests have no Docker.
    if (language !== 'sh' || /\bdocker /.test(commands)) return [];
    if (!callsCurl && !/\(\) \{|^rm /m.test(commands)) return [];
    const [, kind, text = ''] = blocks[index + 1] ?? [];
    return [{ commands, ...(callsCurl ? answerIn(kind, text) : NOTHING) }];
  });
}

const NOTHING = { status: undefined, body: undefined };

/** An `http` block has status and body. A `json` block has a body; in a problem, the body has the status. */
function answerIn(kind: string | undefined, text: string): Omit<Step, 'commands'> {
  const [, status = '200'] = /^HTTP\/1.1 (\d{3})|"status":(\d{3})/.exec(text)?.filter(Boolean) ?? [];
  if (kind === 'json') return { status: Number(status), body: text.trim() };
  return kind === 'http'
    ? { status: Number(status), body: text.split('\n\n')[1]?.trim() ?? '' }
    : { status: 200, body: undefined };
}

/** Runs the steps in order in one shell, in `folder`. `url` replaces the origin in the documents. */
export async function runSteps(steps: readonly Step[], folder: string, url: string): Promise<Outcome[]> {
  const results = join(folder, 'transcript');
  await mkdir(results);
  const blocks = steps.map(
    ({ commands }, index) =>
      `step=${index}\n{\n${commands.replaceAll(ORIGIN, url.replace('127.0.0.1', 'localhost'))}} > ${results}/${index}.body\n`,
  );
  // The status goes to a file of its own, so that the commands run exactly as documented.
  const curl = `curl() { command curl -w '%{stderr}%{http_code}\\n' "$@" 2>> ${results}/$step.status; }`;
  const script = join(results, 'transcript.sh');
  await writeFile(script, ['set -u -o pipefail', curl, ...blocks].join('\n'));
  await promisify(execFile)('bash', [script], { cwd: folder, timeout: 240_000 });
  return Promise.all(steps.map((_, index) => outcomeIn(results, index)));
}

async function outcomeIn(results: string, index: number): Promise<Outcome> {
  const statuses = await readFile(join(results, `${index}.status`), 'utf8').catch(() => null);
  const body = await readFile(join(results, `${index}.body`), 'utf8');
  return { status: statuses === null ? undefined : Number(statuses.trim().slice(-3)), body: body.trim() };
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const TIME = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z';
/** A time in seconds since the epoch. */
const SECONDS = '\\b1\\d{9}\\b';

/** Whether an answer equals the answer in a document, except for ids, times, and text that is shortened with `…`. */
export function isLike(shown: string, seen: string): boolean {
  const pattern = shown
    .split(new RegExp(`(${UUID}|${TIME}|${SECONDS}|…)`))
    .map((part, index) => (index % 2 === 0 ? escapeRegExp(part) : wildcard(part)))
    .join('');
  return new RegExp(`^${pattern}$`).test(seen);
}

function escapeRegExp(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function wildcard(part: string): string {
  if (part === '…') return '[\\w./+=-]+';
  return [UUID, TIME].find((form) => new RegExp(form).test(part)) ?? SECONDS;
}
