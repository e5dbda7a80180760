import { randomUUID } from 'node:crypto';
import { migrate } from '../adapters/postgres/migrate.ts';
import { createSigningKeys } from '../adapters/postgres/signing-keys.ts';
import {
  createDatabaseKeySetAdmin,
  createFileKeySetAdmin,
  type KeySetAdmin,
} from '../compose/key-set-admin.ts';
import { openOrJoinDatabase } from '../compose/stores.ts';
import { type Config, readConfig } from '../config.ts';
import { byCommand } from '../domain/audit.ts';
import { logToErrors, nameOfUser } from './command-context.ts';
import { listKeys, retireKey, rotateKey } from './keys/key-commands.ts';

/** `kinship keys list`. All key commands work while the service runs. */
export const printKeys = () => onKeySet(listKeys);

/** `kinship keys rotate`. */
export const rotateKeys = (atOnce: boolean) => onKeySet((keys) => rotateKey(keys, atOnce));

/** `kinship keys retire`. */
export const retireKeyById = (id: string) => onKeySet((keys) => retireKey(keys, id));

async function onKeySet(command: (keys: KeySetAdmin) => Promise<string>): Promise<void> {
  const config = await readConfig();
  const { file } = config.keySet;
  const inFile = file && createFileKeySetAdmin(config, file, Date.now);
  process.stdout.write(await (inFile ? command(inFile) : inDatabase(config, command)));
}

async function inDatabase(config: Config, command: (keys: KeySetAdmin) => Promise<string>): Promise<string> {
  const { sql, close } = await openOrJoinDatabase(config);
  try {
    await migrate(sql);
    const deps = {
      signingKeys: createSigningKeys(sql),
      clock: Date.now,
      log: logToErrors(),
      by: `operator ${nameOfUser()}`,
      origin: byCommand(nameOfUser()),
      newId: randomUUID,
    };
    return await command(createDatabaseKeySetAdmin(config, deps));
  } finally {
    await close();
  }
}
