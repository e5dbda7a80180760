import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { escapeControls } from '../../src/adapters/telemetry/escape-controls.ts';
import { evalArguments, modulePath } from '../support/program.ts';

const CODE = `
  const { createReadableLog } = await import('${modulePath('src/adapters/telemetry/log.ts')}');
  const log = await createReadableLog('info');
  log.info({ token: 'hunter2', agent: 'a\\u001b[2Jb\\u009b2Jc' }, 'a line \\u001b[31m with controls');
  log.error({ err: new Error('refused \\u001b[2J\\rby the server') }, 'a failure');
`;

t.test('a readable line is redacted, and contains no control character of logged text', async (t) => {
  const args = evalArguments(CODE);
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH } });
  t.match(stdout, /^\[\d\d:\d\d:\d\d\] INFO: a line \\u001b\[31m with controls \{.*"token":"\[redacted\]"/);
  t.match(stdout, /ERROR: a failure[\s\S]*refused \\u001b\[2J\\rby the server/);
  t.notMatch(stdout, /hunter2/);
  t.notMatch(stdout, /[^\P{Cc}\n]/u);
});

t.test('a backslash in a text is not changed', async (t) => {
  for (const text of ['\\u001b', 'C:\\run', '\\\\u0007', 'tab\tand\nnewline', 'é\\'])
    t.equal(JSON.parse(escapeControls(JSON.stringify(text))), text);
});

t.test('a control character becomes the text of its escape', async (t) => {
  t.equal(JSON.parse(escapeControls(JSON.stringify('\\\u001b[m'))), '\\\\u001b[m');
  t.equal(JSON.parse(escapeControls(JSON.stringify('\r\u007f\u009b'))), '\\r\\x7f\\x9b');
});
