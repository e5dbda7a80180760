import t from 'tap';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const BREACHED = 'a leaked piano 43';
const miller = { username: 'Rosalind', email: 'r.miller+news@lighthouse.example.org' };

t.test(
  'a password that contains the user name, the address or the name of the service is refused on every route',
  async (t) => {
    const { post, users, links, time } = await startHttpService(t);
    const { id } = (await post('/auth/register', { ...miller, password: PASSWORD })).body;
    const { access } = (await post('/auth/login', { username: 'rosalind', password: PASSWORD })).body;
    const secret = links.makeResetSecret('a reset');
    const reset = { hashedToken: links.hashSecret(secret), userId: String(id), expiresAt: time.now + 1_000 };
    await users.addReset(reset, []);
    const routes: Record<string, (password: string) => ReturnType<typeof post>> = {
      register: (password) => post('/auth/register', { ...miller, password }),
      change: (newPassword) =>
        post(
          '/auth/password',
          { currentPassword: PASSWORD, newPassword },
          { authorization: `Bearer ${access}` },
        ),
    };
    for (const [name, send] of Object.entries(routes)) {
      for (const password of [
        'my ROSALIND 99',
        'R.Miller 2026',
        'xlighthousex',
        'at auth.EXAMPLE.com!',
        'example 77',
      ])
        t.match(
          await send(password),
          { status: 400, body: { code: 'invalid_request' } },
          `${name}: ${password}`,
        );
    }
    const set = (newPassword: string) => post('/auth/password/reset', { token: secret, newPassword });
    await t.rejects(set('my rosalind 99'), SyntaxError, 'a refusal of this route is a page, and no JSON');
    t.equal(
      (await set('news of a green org 44')).status,
      204,
      'the +tag of an address and words of fewer than 4 characters are allowed',
    );
  },
);

t.test(
  'a breached password is refused on every route, and is looked up only within the limit of registrations',
  async (t) => {
    const searched: string[] = [];
    const { post, users, links, time, url } = await startHttpService(t, {
      limits: { registrations: { count: 2, perMilliseconds: 3_600_000 } },
      isBreachedPassword: async (password) => {
        searched.push(password);
        return password === BREACHED;
      },
    });
    const register = (password: string) => post('/auth/register', { ...miller, password });
    t.match(await register(BREACHED), { status: 400, body: { detail: /data breach/ } });
    t.equal((await register('short')).status, 400);
    const { body } = await register(PASSWORD);
    t.equal((await register(BREACHED)).status, 429);
    t.same(searched, [BREACHED, PASSWORD], 'a password that the rules or a limit refuse is not looked up');

    const { access } = (await post('/auth/login', { username: 'rosalind', password: PASSWORD })).body;
    const bearer = { authorization: `Bearer ${access}` };
    const change = { currentPassword: PASSWORD, newPassword: BREACHED };
    t.match(await post('/auth/password', change, bearer), { status: 400, body: { detail: /data breach/ } });
    const secret = links.makeResetSecret('a reset');
    const reset = {
      hashedToken: links.hashSecret(secret),
      userId: String(body.id),
      expiresAt: time.now + 1_000,
    };
    await users.addReset(reset, []);
    const form = new URLSearchParams({ token: secret, newPassword: BREACHED });
    const page = await fetch(`${url}/auth/password/reset`, { method: 'POST', body: form });
    t.equal(page.status, 400);
    t.match(await page.text(), /id="error".*data breach/);
  },
);
