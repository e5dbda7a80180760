import type { IsOperator } from '../../ports/stores/operators.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';

/** Reads roles in PostgreSQL. */
export function createOperators(sql: Sql): { readonly isOperator: IsOperator } {
  return {
    async isOperator(userId) {
      const rows = await execute(sql`select id from users where id = ${userId} and 'operator' = any (roles)`);
      return rows.some(({ id }) => id === userId);
    },
  };
}
