import t from 'tap';
import { createPageSecrets } from '../../src/adapters/secrets/page-secrets.ts';
import { someKey } from '../support/sessions.ts';

t.test('each value is new, and its hash depends on the key', async (t) => {
  const keys = [someKey('hash-2'), someKey('hash-1')];
  const secrets = createPageSecrets(keys);
  const values = Array.from({ length: 100 }, () => secrets.create());
  t.equal(new Set(values).size, 100);
  for (const value of values) t.match(value, /^[\w-]{43}$/);
  const [secret = ''] = values;
  const hashes = secrets.hash(secret);
  t.equal(new Set(hashes).size, 2);
  t.same(createPageSecrets(keys.slice(1)).hash(secret), hashes.slice(1), 'the newest key comes first');
  t.throws(() => createPageSecrets([]));
});
