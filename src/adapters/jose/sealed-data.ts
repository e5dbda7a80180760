import { Refusal } from '../../domain/refusal.ts';
import type { DataSealer } from '../../ports/security/data-sealer.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import { createSealer, UnknownSealingKey } from './sealer.ts';

/** A private header parameter: the id of the row. */
const ROW = 'kinship_row';

const FAILURE = 'A secret cannot be opened by a key in DATA_ENCRYPTION_KEY';

/**
 * Creates a sealer of secrets in the database, under DATA_ENCRYPTION_KEY. The protected header holds the id of the row.
 * So an attacker who writes to the database cannot move a secret to another row.
 *
 * @param keys newest first: the first key seals, all keys open
 */
export function createDataSealer(keys: readonly NamedKey[]): DataSealer {
  const sealer = createSealer(keys, 'kinship data');

  return {
    seal: (rowId, text) => sealer.seal(text, { [ROW]: rowId }),

    async open({ rowId, sealed }) {
      try {
        const { text, header } = await sealer.open(sealed);
        if (header[ROW] !== rowId) throw new Error(`sealed for another row than ${rowId}`);
        return text;
      } catch (error) {
        const cause = new Error(`${FAILURE}${remedyOf(error)}.`, { cause: error });
        throw new Refusal('unavailable', undefined, { cause });
      }
    },

    isSealedByNewest: sealer.isSealedByNewest,
  };
}

function remedyOf(error: unknown): string {
  if (!(error instanceof UnknownSealingKey)) return '';
  return `, because it was ${error.message}: add that key at the end of DATA_ENCRYPTION_KEY`;
}
