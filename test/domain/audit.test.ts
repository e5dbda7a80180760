import { readFile } from 'node:fs/promises';
import t from 'tap';
import { AUDIT_TYPES } from '../../src/domain/audit.ts';

t.test('docs/audit.md describes every type that the audit log can contain, and no other', async (t) => {
  const document = await readFile('docs/audit.md', 'utf8');
  const cells = document.matchAll(/^\| ((?:`[a-z]+\.[a-z_]+`(?:, )?)+) \|/gm);
  const described = [...cells].flatMap(([, cell = '']) => cell.replaceAll('`', '').split(', '));
  t.same(described.toSorted(), AUDIT_TYPES);
});
