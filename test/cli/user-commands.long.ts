import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { someFamily } from '../support/families.ts';
import { userLine, usersCommand } from '../support/users-command.ts';

t.test(
  'commands disable, enable, grant and revoke, once each, and the audit log names the operator',
  async (t) => {
    const service = await usersCommand(t);
    if (service === null) return;
    const { run, sql } = service;
    await run(['import', '-'], userLine({}));
    const changes = [['disable'], ['enable'], ['grant', 'operator'], ['revoke', 'operator']];
    for (const change of changes) {
      const first = await run([...change, 'ANN']);
      t.equal(first.code, 0, first.errors);
      const second = await run([...change, 'ann@example.com']);
      t.match(second, { code: 0, output: /is already|was not|nothing has changed/ });
    }
    const events = await sql`
    select type, actor, actor_name, data -> 'roles' as roles from security_events
    where type ~ '^users.(dis|en|roles)' order by occurred_at`;
    t.match(events, [
      { type: 'users.disabled', actor: 'operator', actor_name: /^command of ./ },
      { type: 'users.enabled' },
      { type: 'users.roles_changed', roles: ['operator'] },
      { type: 'users.roles_changed', roles: { length: 0 } },
    ]);
    t.equal(events.length, changes.length);
  },
);

t.test('commands accept a user id that is text, unless it is the name of an account', async (t) => {
  const service = await usersCommand(t, { USER_ID_FORMAT: 'text' });
  if (service === null) return;
  const { run, families, userStates } = service;
  const userId = 'auth0|123';
  const family = someFamily({ userId, createdAt: Date.now(), expiresAt: Date.now() + 86_400_000 });
  await families.open({ ...family, refreshExpiresAt: family.expiresAt }, []);
  const shown = await run(['show', userId, '--json']);
  t.match(JSON.parse(shown.output), { id: userId, account: null, live: [{ id: family.tokenFamily }] });
  t.match(shown.errors, /No account has the name or address auth0\|123, so it is taken as a user id/);
  t.match(await run(['disable', userId]), {
    code: 0,
    output: 'auth0|123 is disabled, and its sessions have ended.\n',
  });
  t.ok((await userStates.find(userId)).disabledAt);
  t.equal((await families.find(family.tokenFamily))?.revoked?.reason, 'disabled');
  t.match(await run(['grant', 'operator', userId]), { code: 1, errors: /No account has the id auth0\|123/ });
  t.match(await run(['show', 'a b']), { code: 1, errors: /No account has the name or address a b\.\n/ });

  await run(['import', '-'], userLine({ username: 'hans', email: 'hans@bücher.example' }));
  for (const address of ['hans@bücher.example', 'HANS@xn--bcher-kva.example']) {
    const shownHans = await run(['show', address, '--json']);
    t.match(JSON.parse(shownHans.output), { username: 'hans' }, address);
    const found = await run(['list', '--query', address, '--json']);
    t.match(JSON.parse(found.output), { username: 'hans' }, address);
  }

  await run(['import', '-'], userLine({ username: '42' }));
  t.match(JSON.parse((await run(['show', '42', '--json'])).output), { username: '42' });
});

t.test('commands list and show users, and end their sessions', async (t) => {
  const service = await usersCommand(t);
  if (service === null) return;
  const { run, families, sql } = service;
  const id = randomUUID();
  await run(
    ['import', '-'],
    [userLine({ id }), userLine({ username: 'bob', email: 'bob@example.com' })].join('\n'),
  );
  const family = someFamily({ userId: id, createdAt: Date.now(), expiresAt: Date.now() + 86_400_000 });
  const refreshExpiresAt = family.expiresAt;
  await families.open({ ...family, refreshExpiresAt, userAgent: 'Till/7 \u001b[31m' }, []);
  const found = await run(['list', '--query', 'ANN', '--json']);
  t.match(JSON.parse(found.output), { id, username: 'ann', sessions: 1, emailVerified: false });
  t.notMatch(found.output, /hash/i);
  const one = await run(['list', '--limit', '1']);
  t.match(one.output, /^ID +NAME +ADDRESS[^\n]*\n[^\n]*\n$/);
  t.match(one.errors, /There are more accounts/);
  t.match(await run(['list', '--limit', '1e3']), { code: 1, errors: /a number from 1 to 1000/ });

  const shown = await run(['show', 'ann@example.com']);
  t.match(shown.output, new RegExp(`username +ann[^]*${family.tokenFamily}`));
  t.notOk(shown.output.includes('\u001b'), 'no sequence that controls a terminal');
  t.match(JSON.parse((await run(['show', id, '--json'])).output), { live: [{ id: family.tokenFamily }] });

  t.match(await run(['end-sessions', 'ann']), { code: 0, output: /have ended/ });
  t.equal((await families.find(family.tokenFamily))?.revoked?.reason, 'administrator');
  const [event] = await sql`select actor_name from security_events where type = 'sessions.revoked'`;
  t.match(event, { actor_name: /^command of ./ });
  const other = randomUUID();
  t.match(JSON.parse((await run(['show', other, '--json'])).output), {
    id: other,
    account: null,
    live: { length: 0 },
  });
});

t.test('show prints the 100 newest sessions, and says if the user has more', async (t) => {
  const service = await usersCommand(t);
  if (service === null) return;
  const { run, sql } = service;
  const families = createTokenFamilies(sql, { sessionsPerUser: 200 });
  const userId = randomUUID();
  const now = Date.now();
  const open = async (age: number) => {
    const family = someFamily({ userId, createdAt: now - age, expiresAt: now + 86_400_000 });
    await families.open({ ...family, refreshExpiresAt: family.expiresAt }, []);
    return family.tokenFamily;
  };
  const oldest = await open(200);
  for (let age = 1; age < 100; age += 1) await open(age);
  t.match(await run(['show', userId, '--json']), { errors: /^$/, output: oldest });
  await open(100);
  const { errors, output } = await run(['show', userId, '--json']);
  t.match(errors, /The user has more live sessions. The list shows the 100 newest\./);
  t.equal(JSON.parse(output).live.length, 100);
  t.notOk(output.includes(oldest));
});

t.test('a role needs an account, and an unknown name or role changes nothing', async (t) => {
  const service = await usersCommand(t);
  if (service === null) return;
  const id = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
  t.match(await service.run(['disable', 'bob']), {
    code: 1,
    errors: /No account has the name or address bob/,
  });
  t.match(await service.run(['grant', 'operator', id]), { code: 1, errors: /No account has the id/ });
  t.match(await service.run(['grant', 'root', id]), { code: 1, errors: /Allowed choices are operator/ });
  t.match(await service.run(['disable', id]), { code: 0, output: /is disabled/ });
});
