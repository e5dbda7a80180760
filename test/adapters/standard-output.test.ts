import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { until } from '../support/composed.ts';
import { namedPipe } from '../support/log-reader.ts';

/** What may wait, in this process and in the pipe with its reader, and the bytes of a line below. */
const ROOM = 1_048_576 + 262_144;
const LINE = 1_000;

/** Logs as many lines as each message of the parent says, and answers how many were dropped so far. */
const WRITER = `
  import { createLog, flushLog } from './src/adapters/telemetry/log.ts';
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
  const args = ['--import', 'tsx', '--input-type=module', '--eval', WRITER];
  const child = spawn(process.execPath, args, { stdio: ['ignore', end.fd, 'inherit', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  await end.close();
  const exit = once(child, 'exit');
  return {
    pipe,
    reader,
    /** Answers how many lines were dropped since the start. */
    async log(count: number): Promise<number> {
      child.send(count);
      const [dropped] = await once(child, 'message');
      return dropped;
    },
    /** The exit code after a flush. */
    async end(): Promise<number> {
      child.send('end');
      return (await exit)[0];
    },
  };
}

const NOTE = 'log lines were dropped';
const isNote = (line: string) => line.includes(NOTE);

t.test('a reader that stalls costs bounded memory, and learns how many lines were dropped', async (t) => {
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
  await until('all lines', async () => reader.lines.length === 20_102 - dropped - 100 + 1 || undefined);
  t.equal(reader.lines.filter(isNote).length, 1);
});

t.test('a reader that stalls does not keep the process from ending', async (t) => {
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
    await until('the loss of what waited', async () => (await log(1)) > waiting + 100 || undefined);

    const { reader: next, end: extra } = await pipe.open();
    await extra.close();
    await until('the note', async () => {
      await log(1);
      return next.lines.find(isNote);
    });
    await log(10);
    t.equal(await end(), 3);
    t.ok(next.lines.filter((line) => line.includes('a line')).length >= 10);
    t.equal(next.lines.filter(isNote).length, 1);
  },
);

t.test('without a reader the process ends', async (t) => {
  const { reader, log, end } = await startWriter(t);
  await log(1);
  reader.freeze();
  await log(5_000);
  await reader.kill();
  t.equal(await end(), 3);
});
