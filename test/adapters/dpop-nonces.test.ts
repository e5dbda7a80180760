import t from 'tap';
import { createDpopNonces } from '../../src/adapters/secrets/dpop-nonces.ts';
import { someKey } from '../support/sessions.ts';

const PERIOD = 5 * 60_000;
const START = 1_800_000_000_000;
const SKEW = 5_000;

t.test('a nonce is valid for its period and the next one', async (t) => {
  const nonces = createDpopNonces([someKey('one')]);
  const nonce = nonces.current(START);
  const valid = (offset: number) => nonces.isValid(nonce, START + offset, SKEW);
  t.same([0, PERIOD - 1, PERIOD, 2 * PERIOD - 1, 2 * PERIOD].map(valid), [true, true, true, true, false]);
  t.ok(valid(-SKEW), 'another replica may be ahead');
  t.notOk(valid(-SKEW - 1));
});

t.test(
  'replicas with the same keys make the same nonces, and a newer key does not end the nonces of the older key',
  async (t) => {
    const [old, next] = [someKey('old'), someKey('new')];
    const before = createDpopNonces([old]);
    const after = createDpopNonces([next, old]);
    t.equal(createDpopNonces([old]).current(START), before.current(START));
    t.ok(after.isValid(before.current(START), START, SKEW));
    t.notOk(createDpopNonces([next]).isValid(before.current(START), START, SKEW));
  },
);
