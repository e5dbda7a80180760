import type { TokenFamily } from '../../domain/token-family.ts';
import type { Rotation } from '../../ports/stores/token-families.ts';
import { assertEach, isSameId, onlyRow } from './answer-check.ts';
import { createBatcher } from './batcher.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { toRotatedFamily } from './family-row.ts';
import { rotateSkippingLockedSql, rotateSql } from './rotate-sql.ts';

/**
 * Batches the rotations of different families. The statement of a batch skips locked rows. So no rotation waits for the
 * row of another family, and batches cannot deadlock. Null: the row was not as expected.
 */
export function createRotationBatcher(sql: Sql): (rotation: Rotation) => Promise<TokenFamily | null> {
  return createBatcher<Rotation, TokenFamily | null>({
    keyOf: ({ expected }) => expected.tokenFamily,

    async runBatch(rotations) {
      const rows = await execute(rotateSkippingLockedSql(sql, rotations));
      const byFamily = new Map(rotations.map((rotation) => [rotation.expected.tokenFamily, rotation]));
      assertEach(rows, (row) => byFamily.has(row.token_family));
      return new Map(
        rows.map((row) => [row.token_family, toRotatedFamily(byFamily.get(row.token_family)!, row)]),
      );
    },

    async runAlone(rotation) {
      const rows = await execute(rotateSql(sql, [rotation]));
      const row = onlyRow(rows, (row) => isSameId(row.token_family, rotation.expected.tokenFamily));
      return row === null ? null : toRotatedFamily(rotation, row);
    },
  });
}
