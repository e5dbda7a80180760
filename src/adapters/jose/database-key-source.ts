import type { KeySchedule } from '../../domain/key-set.ts';
import { commandLine } from '../../lib/command-line.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { UnusableKey } from './import-key.ts';
import { createKeySet } from './key-set.ts';
import type { KeySource, KeySourceOptions } from './key-source.ts';
import { createSealedKeys } from './sealed-keys.ts';

interface Options extends KeySourceOptions {
  readonly encryptionKeys: readonly NamedKey[];
  /** Reads the stored keys. */
  list(): Promise<readonly SealedKey[]>;
  /** Makes and removes keys that are due, and returns the stored keys. */
  maintain(): Promise<readonly SealedKey[]>;
}

/** The key set in the database. All replicas read the same sealed keys. */
export function createDatabaseKeySource(options: Options): KeySource {
  const { encryptionKeys, list, log } = options;
  const { open } = createSealedKeys(encryptionKeys);
  const set = createKeySet({
    ...options,
    reload: () => runInTurn(async () => replace(await list(), logUnusable)),
  });
  const removed = new Set<string>();
  let lastSeen: ReadonlySet<string> = new Set();
  let latest: Promise<void> = Promise.resolve();

  return {
    set,
    start: () => runInTurn(async () => replace(await options.maintain(), refuse)),
    maintain: () => runInTurn(async () => replace(await options.maintain(), logUnusable)),
  };

  /**
   * Runs one round after another. Otherwise a round could apply a list that was read before an announcement, and the
   * announced key would look removed.
   */
  function runInTurn(round: () => Promise<void>): Promise<void> {
    const mine = latest.then(round);
    latest = mine.catch(() => {});
    return mine;
  }

  async function replace(
    keys: readonly SealedKey[],
    onUnusable: (id: string, error: UnusableKey) => void,
  ): Promise<void> {
    const opened = await Promise.all(
      keys.map(async (key) => {
        try {
          const known = set.findStored(key.id);
          return known !== undefined && isUnchanged(known, key) ? known : await open(withRemovalMark(key));
        } catch (error) {
          if (!(error instanceof UnusableKey)) throw error;
          onUnusable(key.id, error);
          return null;
        }
      }),
    );
    set.replace(opened.filter((key) => key !== null));
    const stored = new Set(keys.map(({ id }) => id));
    for (const id of lastSeen) if (!stored.has(id)) removed.add(id);
    lastSeen = stored;
  }

  /**
   * Marks a key that this replica has seen removed. An attacker with write access can delete the mark in the database.
   */
  function withRemovalMark(key: SealedKey): SealedKey {
    return removed.has(key.id) ? { ...key, wasRemoved: true } : key;
  }

  function logUnusable(kid: string, err: UnusableKey): void {
    log.error({ err, kid }, 'signing key unusable; its tokens are refused on this replica');
  }
}

function isUnchanged(known: KeySchedule, stored: SealedKey): boolean {
  return (
    !stored.wasRemoved &&
    known.number === stored.number &&
    known.announcedAt === stored.announcedAt &&
    known.signsFrom === stored.signsFrom
  );
}

function refuse(kid: string, { message }: UnusableKey): never {
  throw new UnusableKey(
    `The signing key ${kid} ${message}: add the key that sealed it, or remove the signing key (${commandLine(`keys retire ${kid}`)}).`,
  );
}
