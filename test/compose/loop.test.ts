import { EventEmitter, once } from 'node:events';
import { Writable } from 'node:stream';
import t from 'tap';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { startLoop } from '../../src/compose/loop.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';

const HOUR = 3_600_000;

/** A log, and the levels of its lines (40 is a warning, 50 an error). */
function someLog() {
  const levels: number[] = [];
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    levels.push(JSON.parse(chunk.toString()).level);
    done();
  };
  return { levels, log: createLog('info', new Writable({ write })) };
}

t.test(
  'the loop runs the task again while it reports work, then pauses; `stop` ends the pause',
  async (t) => {
    const work = [3, 2, 0];
    const rounds = new EventEmitter();
    const resting = once(rounds, 'rest');
    const task = async () => {
      const done = work.shift() ?? 0;
      if (done === 0) rounds.emit('rest');
      return done;
    };
    const background = startLoop(HOUR, task, someLog().log, { busyDelay: 1 });
    await resting;
    await background.stop();
    t.same(work, []);
  },
);

t.test(
  'a failed round is logged, as a warning for an outage and as an error otherwise, and the loop continues',
  async (t) => {
    const { levels, log } = someLog();
    const faults = [new StoreUnavailable('nothing', new Error('away')), new TypeError('ours')];
    const rounds = new EventEmitter();
    const well = once(rounds, 'well');
    const task = async () => {
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      rounds.emit('well');
      return 0;
    };
    const background = startLoop(1, task, log);
    await well;
    await background.stop();
    t.same(levels, [40, 50]);
  },
);
