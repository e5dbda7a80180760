import t from 'tap';
import { createSealMacs } from '../../src/adapters/secrets/seal-macs.ts';
import { sealEvents } from '../../src/app/audit/seal-events.ts';
import { readConfig } from '../../src/config.ts';
import { auditEntry } from '../ports/audit-log.ts';
import { NOW, someFamily } from '../support/families.ts';
import { kinship } from '../support/kinship.ts';
import { postgresStores } from '../support/open-stores.ts';

const KEY = `hash-${'0123456789'.repeat(6)}`;
const OTHER = `other-${'0123456789'.repeat(6)}`;

t.test('the audit log is printed and verified, and verification names a changed event', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { sql, url, families, auditSeals } = stores;
  const folder = t.testdir();
  const env = { DATABASE_URL: url, DATA_DIR: folder, REFRESH_TOKEN_HASH_KEY: KEY };
  const { tokens } = await readConfig(env, folder);
  const heads: string[] = [];
  const note = (facts: object) => void heads.push(String((facts as { head?: string }).head));
  const log = { debug: note, info: note, warn: note, error: note };
  const seal = sealEvents({ auditSeals, sealMacs: createSealMacs(tokens.hashKeys), clock: () => NOW, log });
  const family = someFamily();
  const event = auditEntry(family);
  await families.open(family, [event]);
  await seal();
  const [head = ''] = heads;

  const listed = await kinship(['audit', 'list', '--session', family.tokenFamily], env);
  t.equal(JSON.parse(listed.stdout).id, event.id);
  t.equal((await kinship(['audit', 'list', '--type', 'users.deleted'], env)).stdout, '');
  t.match(await kinship(['audit', 'list', '--user', 'ann'], env), {
    code: 1,
    stderr: /"ann" is no user id\. It is a UUID/,
  });

  const text = { ...env, USER_ID_FORMAT: 'text' };
  t.match(await kinship(['audit', 'list', '--user', 'ann'], text), { code: 0, stdout: '' });
  t.match(await kinship(['audit', 'list', '--user', 'a b'], text), {
    code: 1,
    stderr: /"a b" is no user id\. It has 1 to 128/,
  });

  t.match(await kinship(['audit', 'verify', '--head', head], env), {
    code: 0,
    stdout: `No change found in 1 seal with 1 event, up to ${head}.`,
  });
  t.match(await kinship(['audit', 'verify', '--head', '1'], env), { code: 1, stderr: /number:mac/ });
  t.match(await kinship(['audit', 'verify'], { ...env, REFRESH_TOKEN_HASH_KEY: OTHER }), {
    code: 1,
    stdout: new RegExp(
      `^Seal 1 cannot be checked: .*\\nNot checked: 1 of 1 seal with 1 event, up to ${head}\\.\\n$`,
    ),
  });
  await sql`update security_events set actor = 'operator'`;
  t.match(await kinship(['audit', 'verify'], env), {
    code: 1,
    stdout: `Event ${event.id} of seal 1 was changed.`,
  });
});
