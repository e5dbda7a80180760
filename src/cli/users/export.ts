import { once } from 'node:events';
import { createUserTransfer } from '../../adapters/postgres/user-transfer.ts';
import { exportUsers } from '../../app/users/export-users.ts';
import { onUsers } from './on-users.ts';

/** `kinship users export`: prints all accounts as JSON lines. */
export async function printUsers(): Promise<void> {
  const output = process.stdout;
  await onUsers(async (sql) => {
    for await (const lines of exportUsers({ userTransfer: createUserTransfer(sql) })()) {
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      // Waits for a slow reader, so that the accounts do not pile up in memory.
      if (!output.write(text)) await once(output, 'drain');
    }
  });
}
