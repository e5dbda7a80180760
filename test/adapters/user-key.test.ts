import t from 'tap';
import { ownerColumns, toUserId, userKey } from '../../src/adapters/postgres/user-key.ts';

const UUID = 'a8b1c9d2-0000-4000-8000-00000000000a';

/** SHA-256 of `auth0|123`: 4043445eadeeeb2a5d885af3c133f60ef57523a1ff87ba20edcc5b6de392eb6c. */
const OF_TEXT = '4043445e-adee-8fff-ffeb-2a5d885af3c1';

t.test('the key of a UUID is the UUID, and the key of another user id is derived from it', async (t) => {
  t.equal(userKey('auth0|123'), OF_TEXT);
  t.equal(userKey(UUID), UUID);
  t.equal(userKey(UUID.toUpperCase()), UUID);
  for (const uuid of ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])
    t.equal(userKey(uuid), uuid);
  t.not(userKey('Ann'), userKey('ann'));
});

t.test('a user id that equals the derived key of another user has another key', async (t) => {
  t.not(userKey(OF_TEXT), OF_TEXT);
  t.same(ownerColumns(OF_TEXT), { user_id: userKey(OF_TEXT), user_id_text: OF_TEXT });
});

t.test(
  'the user id of a row is its user_id_text if this text has the key of the row, else the key',
  async (t) => {
    t.same(ownerColumns(UUID), { user_id: UUID, user_id_text: null });
    for (const id of [UUID, 'auth0|123', OF_TEXT]) t.equal(toUserId(ownerColumns(id)), id);
    t.equal(toUserId({ user_id: OF_TEXT, user_id_text: 'ann' }), OF_TEXT);
    t.equal(toUserId({ user_id: UUID, user_id_text: 'ann' }), UUID);
  },
);
