import t from 'tap';
import { endOf, purgeCutoff } from '../../src/domain/retention.ts';

const HOUR = 3_600_000;

t.test('a family ends at its revocation, otherwise at its expiry', async (t) => {
  t.equal(endOf({ expiresAt: 9, revoked: null }), 9);
  t.equal(endOf({ expiresAt: 9, revoked: { at: 4, reason: 'logout' } }), 4);
  t.equal(endOf({ expiresAt: 9, revoked: { at: 12, reason: 'logout' } }), 12);
});

t.test('a family is kept for an hour after all clocks refuse its tokens', async (t) => {
  t.equal(purgeCutoff(10 * HOUR, { refreshTokenAge: 2 * HOUR, clockSkew: HOUR / 2 }), 6 * HOUR);
});
