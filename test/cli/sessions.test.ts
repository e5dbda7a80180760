import { randomUUID } from 'node:crypto';
import t from 'tap';
import { auditEntry } from '../ports/audit-log.ts';
import { someFamily } from '../support/families.ts';
import { kinship } from '../support/kinship.ts';
import { postgresStores } from '../support/open-stores.ts';

const HOUR = 3_600_000;

t.test('the life of a session is printed in words and as JSON', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { families, url } = stores;
  const env = { DATABASE_URL: url, DATA_DIR: t.testdir() };
  const createdAt = Date.now() - HOUR;
  const expiresAt = createdAt + 100 * HOUR;
  const family = someFamily({
    createdAt,
    rotatedAt: createdAt,
    expiresAt,
    refreshExpiresAt: expiresAt,
    deviceName: 'till \u001b[31m\u2028two',
  });
  const { tokenFamily: id } = family;
  await families.open(family, [auditEntry(family, { occurredAt: createdAt })]);
  const replay = auditEntry(family, {
    type: 'sessions.reuse_detected',
    occurredAt: createdAt + HOUR / 2,
    data: { presentedGeneration: 0, presentedIat: createdAt / 1_000 },
  });
  await families.revoke(id, { at: createdAt + HOUR / 2, reason: 'reuse' }, [replay]);

  const shown = await kinship(['sessions', 'show', id.toUpperCase()], env);
  t.equal(shown.code, 0, shown.stderr);
  t.match(shown.stdout, /^Stolen: the token of generation 0 came back/);
  t.match(
    shown.stdout,
    new RegExp(`^Session +${id}\nUser +${family.userId}\nDevice +till .\\[31m.two$`, 'm'),
  );
  t.match(shown.stdout, /^Is it over\? The session ended at the replay/m);
  t.match(shown.stdout, /^2 +\d{4}-\d\d-\d\dT[\d:.]+Z +0 +Replayed token +203\.0\.113\.1 +test\/1/m);
  for (const hidden of ['\u001b', '\u2028']) t.notOk(shown.stdout.includes(hidden));

  const { session, events } = JSON.parse((await kinship(['sessions', 'show', id, '--json'], env)).stdout);
  t.match(session, { id, userId: family.userId, deviceName: family.deviceName, generation: 0 });
  t.match(events, [{ type: 'sessions.started' }, { id: replay.id, data: { presentedGeneration: 0 } }]);

  const { sql } = stores;
  await sql`delete from token_families`;
  t.match(await kinship(['sessions', 'show', id], env), { code: 0, stdout: /^Stolen: / }, 'the row is gone');
  t.match(JSON.parse((await kinship(['sessions', 'show', id, '--json'], env)).stdout), { session: null });
  t.match(await kinship(['sessions', 'show', randomUUID()], env), { code: 1, stderr: /There is no session/ });
  t.match(await kinship(['sessions', 'show', 'ann'], env), {
    code: 1,
    stderr: /"ann" is no session id\. It is a UUID/,
  });
});
