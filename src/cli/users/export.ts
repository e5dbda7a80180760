import { createUserTransfer } from '../../adapters/postgres/user-transfer.ts';
import { exportUsers } from '../../app/users/export-users.ts';
import { jsonLine } from '../../lib/json-line.ts';
import { withSharedDatabase } from '../with-database.ts';
import { write } from '../write.ts';

/** `kinship users export`: prints all accounts as JSON lines. */
export async function printUsers(): Promise<void> {
  await withSharedDatabase(async (sql) => {
    for await (const lines of exportUsers({ userTransfer: createUserTransfer(sql) })())
      await write(lines.map(jsonLine).join(''));
  });
}
