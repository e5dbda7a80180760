import type { KeyAlgorithm } from '../../domain/key-set.ts';
import type { SealedKey, SigningKeys } from '../../ports/stores/signing-keys.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { changeKeys } from './with-outbox.ts';

interface KeyRow {
  number: number;
  id: string;
  alg: KeyAlgorithm;
  sealed: string;
  announced_at: Date;
  signs_from: Date;
  was_removed: boolean;
}

/** Signing keys in PostgreSQL. */
export function createSigningKeys(sql: Sql): SigningKeys {
  return {
    async list() {
      return (
        await execute(
          sql<KeyRow[]>`select number, id, alg, sealed, announced_at, signs_from,
              exists (select from removed_signing_keys removed where removed.id = signing_keys.id) as was_removed
            from signing_keys order by number`,
        )
      ).map(toKey);
    },

    async add({ number, id, alg, sealed, announcedAt, signsFrom }, entries) {
      const insertion = sql`
        insert into signing_keys (number, id, alg, sealed, announced_at, signs_from)
        values (${number}, ${id}, ${alg}, ${sealed}, ${new Date(announcedAt)}, ${new Date(signsFrom)})
        on conflict (number) do nothing
        returning id`;
      return (await execute(changeKeys(sql, insertion, entries))).length === 1;
    },

    async remove(ids, entries) {
      const removal = sql`delete from signing_keys where id = any(${[...ids]}::text[]) returning id`;
      const rows = await execute(changeKeys(sql, removal, entries));
      return rows.map(({ id }) => id);
    },
  };
}

function toKey(row: KeyRow): SealedKey {
  return {
    number: row.number,
    id: row.id,
    alg: row.alg,
    sealed: row.sealed,
    announcedAt: row.announced_at.getTime(),
    signsFrom: row.signs_from.getTime(),
    ...(row.was_removed && { wasRemoved: true }),
  };
}
