import { userInfo } from 'node:os';
import { migrate } from '../adapters/postgres/migrate.ts';
import { createSigningKeys } from '../adapters/postgres/signing-keys.ts';
import { createLog } from '../adapters/telemetry/log.ts';
import {
  createDatabaseKeySetAdmin,
  createFileKeySetAdmin,
  type KeySetAdmin,
} from '../compose/key-set-admin.ts';
import { reachDatabase } from '../compose/stores.ts';
import { type Config, readConfig } from '../config.ts';
import { commandIn } from './keys/command.ts';
import { runCommand } from './run-command.ts';

/** `npm run keys`: the key set by hand, also beside a running service; exit code 1 if it could not be done. */
await runCommand(async () => {
  const command = commandIn(process.argv.slice(2));
  const config = await readConfig();
  const { file } = config.keySet;
  const inFile = file && createFileKeySetAdmin(config, file, Date.now);
  process.stdout.write(await (inFile ? command(inFile) : inDatabase(config, command)));
});

async function inDatabase(config: Config, command: (keys: KeySetAdmin) => Promise<string>): Promise<string> {
  const { sql, close } = await reachDatabase(config);
  try {
    await migrate(sql);
    const deps = {
      signingKeys: createSigningKeys(sql),
      clock: Date.now,
      log: logToErrors(),
      by: `operator ${nameOfUser()}`,
    };
    return await command(createDatabaseKeySetAdmin(config, deps));
  } finally {
    await close();
  }
}

/** Standard output is for the answer. */
function logToErrors() {
  return createLog('info', { write: (line) => void process.stderr.write(line) });
}

/** The user of the operating system; a container may run under a number without a name. */
function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
