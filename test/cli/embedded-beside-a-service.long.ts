import t from 'tap';
import { lockFolder } from '../../src/adapters/postgres/embedded/lock.ts';
import { sleep } from '../../src/lib/time.ts';
import { kinship } from '../support/kinship.ts';
import { startService } from '../support/process.ts';

t.test(
  'a session that a command ends in the embedded database is refused by the running service at once',
  async (t) => {
    const env = { DATA_DIR: t.testdir(), API_PORT: '0', MAIL: 'off' };
    const service = await startService(t, { env });
    for (let round = 0; round < 3; round += 1) {
      const username = `ann${round}`;
      const password = 'a violet piano 42';
      const post = (path: string, body: object) =>
        fetch(`${service.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      await post('/auth/register', { username, email: `${username}@example.com`, password });
      const login = await post('/auth/login', { username, password });
      const { access } = (await login.json()) as { access: string };
      const verify = () =>
        fetch(`${service.url}/auth/verify`, { headers: { authorization: `Bearer ${access}` } });
      t.ok((await verify()).ok);
      const ended = await kinship(['users', 'end-sessions', username], env);
      t.equal(ended.code, 0, ended.stderr);
      t.equal((await verify()).status, 401);
    }
  },
);

t.test('a command waits while another process opens or closes the embedded database', async (t) => {
  const DATA_DIR = t.testdir();
  t.match(await kinship(['migrate'], { DATA_DIR }), { code: 0 });
  const unlock = await lockFolder(DATA_DIR);
  const unlocked = sleep(1_500).then(unlock);
  t.match(await kinship(['users', 'list'], { DATA_DIR }), { code: 0, stdout: /^ID +NAME/ });
  await unlocked;
});
