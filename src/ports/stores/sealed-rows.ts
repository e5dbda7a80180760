import type { AuditEntry } from './audit-log.ts';

/** A sealed secret of one row of the database. */
export interface SealedSecret {
  /** The id of the row, for which the secret was sealed. */
  readonly id: string;
  readonly sealed: string;
}

/** Rows that hold a sealed secret each. */
export interface SealedRows {
  /** Up to `limit` sealed secrets with ids after `after`, in the order of their ids. Null: from the first. */
  listSealed(after: string | null, limit: number): Promise<readonly SealedSecret[]>;

  /**
   * Replaces a sealed secret. False, and nothing is changed or recorded, if the row no longer holds the sealed text
   * `expected`.
   */
  reseal(secret: SealedSecret, expected: string, entries?: readonly AuditEntry[]): Promise<boolean>;
}
