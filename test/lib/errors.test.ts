import t from 'tap';
import { errorCode, errorMessage } from '../../src/lib/errors.ts';

t.test('an error without a code has the empty code', async (t) => {
  t.equal(errorCode(Object.assign(new Error('lost'), { code: 'ECONNRESET' })), 'ECONNRESET');
  t.equal(errorCode(Object.assign(new Error('refused'), { code: 403 })), '403');
  t.equal(errorCode(new Error('plain')), '');
  t.equal(errorCode({ code: 'ECONNRESET' }), '', 'not an error');
});

t.test('any thrown value has a message', async (t) => {
  t.equal(errorMessage(new Error('lost')), 'lost');
  t.equal(errorMessage(new AggregateError([new Error('one'), new Error('two')])), 'one; two');
  t.equal(errorMessage(new AggregateError([new Error('one')], 'both')), 'both');
  t.equal(errorMessage('lost'), 'lost');
  t.equal(errorMessage(undefined), 'undefined');
});
