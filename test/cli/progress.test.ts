import { mock } from 'node:test';
import t from 'tap';
import { createProgress } from '../../src/cli/progress.ts';

/** The text that an output received, with `<` for each clearing of the line. */
function renderProgress(isTTY: boolean, columns?: number): string {
  let now = 1_000;
  let text = '';
  const output = {
    isTTY,
    ...(columns !== undefined && { columns }),
    write: (more: string) => {
      text += more;
    },
  };
  const progress = createProgress(output, () => now);
  progress.show('sessions purged', 100, 400);
  now += 2_000;
  progress.show('sessions purged', 400, 400);
  progress.show('migrations', 2, null, '3 users');
  progress.show('migrations', 3, null, '4 tasks');
  progress.end();
  return text.replaceAll('\r\u001b[K', '<');
}

t.test('a terminal shows one bar that grows, and the line is cleared at the end', async (t) => {
  t.equal(
    renderProgress(true),
    '<[=====               ] 100 of 400 sessions purged, 0 s' +
      '<[====================] 400 of 400 sessions purged, 2 s' +
      '<[                    ] 2 migrations, now 3 users, 2 s' +
      '<[                    ] 3 migrations, now 4 tasks, 2 s<',
  );
});

t.test('a bar is never longer than the line of the terminal', async (t) => {
  const lines = renderProgress(true, 30).split('<');
  t.equal(Math.max(...lines.map((line) => line.length)), 29);
});

t.test('other outputs get one plain line for each kind of work', async (t) => {
  t.equal(renderProgress(false), '100 of 400 sessions purged, 0 s\n2 migrations, now 3 users, 2 s\n');
});

t.test('progress goes on after a line that interrupts it', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  for (const isTTY of [false, true]) {
    let text = '';
    const progress = createProgress({ isTTY, write: (more: string) => (text += more) }, () => 0);
    progress.show('lines read', 1, 9);
    progress.clear();
    text = '';
    progress.show('lines read', 2, 9);
    mock.timers.tick(10_000);
    t.match(text, /2 of 9 lines read/);
    progress.end();
    text = '';
    mock.timers.tick(10_000);
    t.equal(text, '', 'and stops at its end');
  }
});
