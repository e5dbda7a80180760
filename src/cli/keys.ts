import { randomUUID } from 'node:crypto';
import { createSigningKeys } from '../adapters/postgres/signing-keys.ts';
import {
  createDatabaseKeySetAdmin,
  createFileKeySetAdmin,
  type KeySetAdmin,
} from '../compose/key-set-admin.ts';
import type { Config } from '../config.ts';
import { byCommand } from '../domain/audit.ts';
import { logToErrors, operatingSystemUser } from './command-context.ts';
import { listKeys, retireKey, rotateKey } from './keys/key-commands.ts';
import { readCommandConfig, withSharedDatabase } from './with-database.ts';

/** `kinship keys list`. All key commands work while the service runs. */
export const printKeys = () => withKeySet(listKeys);

/** `kinship keys rotate`. */
export const rotateKeys = (atOnce: boolean) => withKeySet((keys) => rotateKey(keys, atOnce));

/** `kinship keys retire`. */
export const retireKeyById = (id: string) => withKeySet((keys) => retireKey(keys, id));

async function withKeySet(command: (keys: KeySetAdmin) => Promise<string>): Promise<void> {
  const config = await readCommandConfig();
  const { file } = config.keySet;
  const fileKeys = file && createFileKeySetAdmin(config, file, Date.now);
  process.stdout.write(await (fileKeys ? command(fileKeys) : withDatabaseKeySet(config, command)));
}

function withDatabaseKeySet(
  config: Config,
  command: (keys: KeySetAdmin) => Promise<string>,
): Promise<string> {
  return withSharedDatabase(
    async (sql) => {
      const deps = {
        signingKeys: createSigningKeys(sql),
        clock: Date.now,
        log: await logToErrors(config),
        by: `operator ${operatingSystemUser()}`,
        origin: byCommand(operatingSystemUser()),
        newId: randomUUID,
      };
      return command(createDatabaseKeySetAdmin(config, deps));
    },
    { config },
  );
}
