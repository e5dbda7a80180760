import t from 'tap';
import { canonicalUserId, isUserId } from '../../src/domain/user-id.ts';

const UUID = 'a8b1c9d2-0000-4000-8000-00000000000a';

t.test('a user id has 1 to 128 visible characters', async (t) => {
  for (const id of [UUID, '4', 'auth0|123', 'x'.repeat(128), '🦊'.repeat(128), '...', 'a.b', 'é'])
    t.equal(isUserId(id), true, id);
  for (const id of [
    '',
    'x'.repeat(129),
    'a b',
    '4\n',
    '\0',
    '\u200b',
    '\ud800',
    '.',
    '..',
    null,
    42,
    undefined,
  ])
    t.equal(isUserId(id), false, JSON.stringify(id));
});

t.test('a UUID is in lower case, and other text is as it was given', async (t) => {
  t.equal(canonicalUserId(UUID.toUpperCase()), UUID);
  t.equal(isUserId(UUID.toUpperCase()), false, 'an upper-case UUID is not canonical');
  for (const id of ['Ann', 'AUTH0|ABC', UUID.toUpperCase().slice(1)]) t.equal(canonicalUserId(id), id);
});
