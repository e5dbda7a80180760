import { execFile, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { skipFor } from './skip.ts';

/** Commands that a document shows, and the answer that it shows to the last of them. */
export interface Step {
  readonly commands: string;
  /** Undefined where the commands ask nothing of the service. */
  readonly status: number | undefined;
  /** Undefined where the document leaves it out. */
  readonly body: string | undefined;
}

/** How a step went: the status of its last request, and what it wrote. */
export interface Outcome {
  readonly status: number | undefined;
  readonly body: string;
}

const ORIGIN = 'http://localhost:3000';
const BLOCK = /^```(\w+)\n([\s\S]*?)^```$/gm;

/** False, with the test skipped (or, with CI=true, failed), where documents cannot be played. */
export function requireCurl(t: Pick<Test, 'plan'>): boolean {
  const missing = ['bash', 'curl'].filter((program) => spawnSync(program, ['--version']).status !== 0);
  if (missing.length > 0) skipFor(t, missing.join(' and '));
  return missing.length === 0;
}

/** The commands of a document that ask something of the service, or help to, and what it shows of the answers. */
export async function readSteps(file: string): Promise<Step[]> {
  return stepsIn(await readFile(file, 'utf8'));
}

export function stepsIn(document: string): Step[] {
  const blocks = [...document.matchAll(BLOCK)];
  return blocks.flatMap(([, language, commands = ''], index) => {
    const asks = commands.includes('curl ');
    if (language !== 'sh' || !(asks || commands.includes('() {'))) return [];
    const [, kind, text = ''] = blocks[index + 1] ?? [];
    return [{ commands, ...(asks ? answerIn(kind, text) : NOTHING) }];
  });
}

const NOTHING = { status: undefined, body: undefined };

/** A block of `http` has status and body, one of `json` a body, which in a problem names the status. */
function answerIn(kind: string | undefined, text: string): Omit<Step, 'commands'> {
  const [, status = '200'] = /^HTTP\/1.1 (\d{3})|"status":(\d{3})/.exec(text)?.filter(Boolean) ?? [];
  if (kind === 'json') return { status: Number(status), body: text.trim() };
  return kind === 'http'
    ? { status: Number(status), body: text.split('\n\n')[1]?.trim() ?? '' }
    : { status: 200, body: undefined };
}

/** Runs the steps in one shell, in order, in `folder`; `url` takes the place of the origin that documents name. */
export async function runSteps(steps: readonly Step[], folder: string, url: string): Promise<Outcome[]> {
  const results = join(folder, 'transcript');
  await mkdir(results);
  const blocks = steps.map(
    ({ commands }, index) =>
      `step=${index}\n{\n${commands.replaceAll(ORIGIN, url.replace('127.0.0.1', 'localhost'))}} > ${results}/${index}.body\n`,
  );
  // The status goes beside the answer, so that the commands are those of the document, to the letter.
  const curl = `curl() { command curl -w '%{stderr}%{http_code}\\n' "$@" 2>> ${results}/$step.status; }`;
  const script = join(results, 'transcript.sh');
  await writeFile(script, ['set -u -o pipefail', curl, ...blocks].join('\n'));
  await promisify(execFile)('bash', [script], { cwd: folder, timeout: 120_000 });
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

/** Whether an answer is the one shown, but for ids and times, and for what is cut short with `…`. */
export function isLike(shown: string, seen: string): boolean {
  const pattern = shown
    .split(new RegExp(`(${UUID}|${TIME}|${SECONDS}|…)`))
    .map((part, index) => (index % 2 === 0 ? escaped(part) : wildcard(part)))
    .join('');
  return new RegExp(`^${pattern}$`).test(seen);
}

function escaped(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function wildcard(part: string): string {
  if (part === '…') return '[\\w./+=-]+';
  return [UUID, TIME].find((form) => new RegExp(form).test(part)) ?? SECONDS;
}
