import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { namedPipe } from '../support/log-reader.ts';
import { evalArguments, modulePath } from '../support/program.ts';
import { nodeOnTerminal, requireTerminal } from '../support/pseudo-terminal.ts';
import { waitForValue } from '../support/wait-until.ts';

/** The most bytes that may wait: in the writer, and in the pipe together with its reader. */
const ROOM = 1_048_576 + 262_144;
/** The bytes of the filling of one line. */
const LINE = 1_000;

/** Logs the number of lines in each message of the parent, and answers how many lines were dropped so far. */
const WRITER = `
  import { createLog, flushLog } from '${modulePath('src/adapters/telemetry/log.ts')}';
  const log = createLog('info');
  process.on('message', async (count) => {
    if (count === 'end') return flushLog(log).then(() => process.exit(3));
    for (let i = 0; i < count; i += 1) {
      log.info({ filling: 'x'.repeat(${LINE}) }, 'a line');
      if (i % 100 === 99) await new Promise(setImmediate);
    }
    process.send(log.droppedLines());
  });`;

async function startWriter(t: Test) {
  const pipe = await namedPipe(t);
  const { reader, end } = await pipe.open();
  const args = evalArguments(WRITER);
  const child = spawn(process.execPath, args, { stdio: ['ignore', end.fd, 'inherit', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  await end.close();
  const exit = once(child, 'exit');
  return {
    pipe,
    reader,
    /** Resolves with the number of lines that were dropped since the start. */
    async log(count: number): Promise<number> {
      child.send(count);
      const [dropped] = await once(child, 'message');
      return dropped;
    },
    /** Flushes the log, and resolves with the exit code. */
    async end(): Promise<number> {
      child.send('end');
      return (await exit)[0];
    },
  };
}

const NOTE = 'log lines were dropped';
const isNote = (line: string) => line.includes(NOTE);

t.test('a stalled reader costs bounded memory, and later gets the number of dropped lines', async (t) => {
  const { reader, log, end } = await startWriter(t);
  t.equal(await log(1), 0);
  await reader.find('a line');
  reader.freeze();
  const dropped = await log(20_000);
  t.ok((20_000 - dropped) * LINE < ROOM, `${dropped} lines were dropped`);
  t.equal(await log(100), dropped + 100);

  reader.thaw();
  const note = await reader.find(NOTE);
  t.equal(JSON.parse(note).dropped, dropped + 100);
  t.equal(await log(1), dropped + 100, 'nothing more is dropped');
  t.equal(await end(), 3);
  await waitForValue(
    'all lines',
    async () => reader.lines.length === 20_102 - dropped - 100 + 1 || undefined,
  );
  t.equal(reader.lines.filter(isNote).length, 1);
});

t.test('a stalled reader does not prevent the end of the process', async (t) => {
  const { reader, log, end } = await startWriter(t);
  await log(1);
  reader.freeze();
  t.ok((await log(5_000)) > 0);
  t.equal(await end(), 3);
});

t.test(
  'the process survives a reader that exits while lines wait, and another reader can follow',
  async (t) => {
    const { pipe, reader, log, end } = await startWriter(t);
    await log(1);
    reader.freeze();
    const waiting = await log(5_000);
    await reader.kill();
    await waitForValue(
      'the loss of the waiting lines',
      async () => (await log(1)) > waiting + 100 || undefined,
    );

    const { reader: next, end: extra } = await pipe.open();
    await extra.close();
    await waitForValue('the note', async () => {
      await log(1);
      return next.lines.find(isNote);
    });
    await log(10);
    t.equal(await end(), 3);
    t.ok(next.lines.filter((line) => line.includes('a line')).length >= 10);
    t.equal(next.lines.filter(isNote).length, 1);
  },
);

t.test('an exit without a flush writes all lines that the reader accepts', async (t) => {
  const writer = `
    import { createLog } from '${modulePath('src/adapters/telemetry/log.ts')}';
    const log = createLog('info');
    log.info({}, 'a first line');
    await new Promise(setImmediate);
    for (let i = 0; i < 20; i += 1) log.info({ filling: 'x'.repeat(${LINE}) }, 'a line');
    process.exit(3);`;
  const path = join(t.testdir(), 'log');
  const file = await open(path, 'w');
  t.teardown(() => file.close());
  for (const output of ['pipe', file.fd] as const) {
    const child = spawn(process.execPath, evalArguments(writer), { stdio: ['ignore', output, 'inherit'] });
    const text = child.stdout === null ? null : readText(child.stdout);
    t.same(await once(child, 'exit'), [3, null]);
    const lines = ((await text) ?? (await readFile(path, 'utf8'))).trim().split('\n');
    t.equal(lines.length, 21, String(output));
  }
});

t.test('the process ends if its pipe has no reader', async (t) => {
  const { reader, log, end } = await startWriter(t);
  await log(1);
  reader.freeze();
  await log(5_000);
  await reader.kill();
  t.equal(await end(), 3);
});

/** A program that logs 5,000 lines at SIGUSR2, writes into the file RESULT how many were dropped, and ends. */
const TERMINAL_WRITER = `
  import { renameSync, writeFileSync } from 'node:fs';
  import { createLog, flushLog } from '${modulePath('src/adapters/telemetry/log.ts')}';
  const log = createLog('info');
  const { RESULT } = process.env;
  process.once('SIGUSR2', async () => {
    for (let i = 0; i < 5_000; i += 1) {
      log.info({ filling: 'x'.repeat(${LINE}) }, 'a line');
      if (i % 100 === 99) await new Promise(setImmediate);
    }
    await flushLog(log);
    writeFileSync(RESULT + '.part', String(log.droppedLines()));
    renameSync(RESULT + '.part', RESULT);
    process.exit(3);
  });
  setInterval(() => {}, 1_000);
  log.info({}, 'waiting');`;

t.test('a stalled terminal costs bounded memory, and does not stop the process', async (t) => {
  if (!requireTerminal(t)) return;
  const RESULT = join(t.testdir(), 'dropped');
  const args = evalArguments('"$WRITER"');
  const terminal = nodeOnTerminal(t, args, { WRITER: TERMINAL_WRITER, RESULT });
  await terminal.waitFor(/waiting/);
  const [, pid] = /"pid":(\d+)/.exec(terminal.text()) ?? [];
  terminal.freeze();
  process.kill(Number(pid), 'SIGUSR2');
  const dropped = await waitForValue('the end of the lines', () => readFile(RESULT, 'utf8'));
  t.ok((5_000 - Number(dropped)) * LINE < ROOM, `${dropped} lines were dropped`);
  terminal.thaw();
  t.equal(await terminal.exitCode(), 3);
});
