import t from 'tap';
import { createLog } from '../../src/adapters/telemetry/log.ts';

/** The written line, parsed as JSON. */
function parseLogged(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(createLog('info', { write: (line) => void lines.push(line) }));
  return JSON.parse(lines.join(''));
}

t.test('fields with the name of a secret are redacted, also in nested objects', async (t) => {
  const secret = { password: 'x', nested: { refreshToken: 'x', deeper: { authorization: 'x', kept: 1 } } };
  const line = parseLogged((log) =>
    log.info({ token: 'x', cookie: ['x'], ...secret, list: ['kept'] }, 'said'),
  );
  t.match(line, {
    msg: 'said',
    token: '[redacted]',
    cookie: '[redacted]',
    password: '[redacted]',
    nested: { refreshToken: '[redacted]', deeper: { authorization: '[redacted]', kept: 1 } },
    list: ['kept'],
  });
});

t.test('logging does not change the logged object', async (t) => {
  const facts = { password: 'x' };
  parseLogged((log) => log.info(facts));
  t.same(facts, { password: 'x' });
});

t.test('an error is logged with its causes, and without other members', async (t) => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', parameters: ['secret'] });
  const line = parseLogged((log) => log.error({ err: new Error('no answer', { cause }) }, 'failed'));
  const { stack, ...err } = line.err as Record<string, unknown>;
  t.match(stack, /no answer/);
  t.match(err, { type: 'Error', message: 'no answer', cause: { message: 'refused', code: 'ECONNREFUSED' } });
  t.notMatch(JSON.stringify(line), 'secret');
});

t.test('an error whose causes are a cycle is logged once', async (t) => {
  const [outer, inner] = [new Error('outer'), new Error('inner')];
  Object.assign(outer, { cause: inner });
  Object.assign(inner, { cause: outer });
  const { err } = parseLogged((log) => log.error({ err: outer }, 'failed'));
  t.match(err, { message: 'outer', cause: { message: 'inner', cause: undefined } });
});

t.test('circular and unusual values are logged without an error', async (t) => {
  const circle: Record<string, unknown> = { name: 'circle' };
  circle.self = circle;
  const line = parseLogged((log) => log.info({ circle, nothing: null, when: new Date(0) }));
  t.match(line, { circle: { name: 'circle' }, nothing: null, when: '1970-01-01T00:00:00.000Z' });
});
