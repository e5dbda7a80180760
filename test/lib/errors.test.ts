import t from 'tap';
import { errorChain, errorCode, errorMessage } from '../../src/lib/errors.ts';

t.test('an error without a code has the empty code', async (t) => {
  t.equal(errorCode(Object.assign(new Error('lost'), { code: 'ECONNRESET' })), 'ECONNRESET');
  t.equal(errorCode(Object.assign(new Error('refused'), { code: 403 })), '403');
  t.equal(errorCode(new Error('plain')), '');
  t.equal(errorCode(Object.assign(new Error('refused'), { code: undefined })), '');
  t.equal(errorCode({ code: 'ECONNRESET' }), '', 'not an error');
});

t.test('any thrown value has a message', async (t) => {
  t.equal(errorMessage(new Error('lost')), 'lost');
  t.equal(errorMessage(new AggregateError([new Error('one'), new Error('two')])), 'one; two');
  t.equal(errorMessage(new AggregateError([new Error('one')], 'both')), 'both');
  t.equal(errorMessage('lost'), 'lost');
  t.equal(errorMessage(undefined), 'undefined');
});

t.test('the chain of an error has its causes, and ends also if they are a cycle or too many', async (t) => {
  const inner = new Error('inner');
  const outer = new Error('outer', { cause: inner });
  t.same(errorChain(outer), [outer, inner]);
  t.same(errorChain('thrown text'), ['thrown text']);
  t.same(errorChain(new Error('outer', { cause: 'text' })).at(-1), 'text');
  inner.cause = outer;
  t.same(errorChain(outer).length, 2, 'a cycle');
  let long = new Error('0');
  for (let n = 1; n < 100; n += 1) long = new Error(`${n}`, { cause: long });
  t.equal(errorChain(long).length, 10);
});
