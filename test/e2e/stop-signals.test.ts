import { spawnSync } from 'node:child_process';
import t from 'tap';
import { evalArguments, modulePath } from '../support/program.ts';

t.test(
  'a signal that arrives while the thread is busy reaches the handler that is set in that time',
  async (t) => {
    const module = modulePath('src/main/stop-signals.ts');
    for (const signal of ['SIGTERM', 'SIGINT']) {
      const code = `
      const { handleStopSignals } = await import(${JSON.stringify(module)});
      handleStopSignals(() => console.log('former'));
      process.kill(process.pid, '${signal}');
      handleStopSignals((given) => console.log('next', given));
      setTimeout(() => {}, 500);`;
      const { stdout, stderr } = spawnSync(process.execPath, evalArguments(code), { encoding: 'utf8' });
      t.equal(stdout, `next ${signal}\n`, stderr);
    }
  },
);
