import type { ChangeOrigin } from '../../domain/audit.ts';
import { NO_CLAIMS } from '../../domain/claims.ts';
import { type ImportVerdict, NO_PASSWORD } from '../../domain/imported-user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { ImportedUser, UserTransfer } from '../../ports/stores/user-transfer.ts';
import { auditOnlyEntry } from '../change-entries.ts';
import type { AdmitPasswordHash } from './admit-password-hash.ts';
import { RefusedLine, readUserLine, type UserLine } from './read-user-line.ts';

/** Each batch is one transaction, which ends long before the statement timeout. */
const BATCH = 500;

interface Deps {
  readonly userTransfer: UserTransfer;
  readonly admitPasswordHash: AdmitPasswordHash;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Who imports, for the audit log. */
  readonly origin: ChangeOrigin;
}

/** A line of the file. `text` is null for a line that is too long to be read. */
export interface NumberedLine {
  readonly number: number;
  readonly text: string | null;
}

/** The number of lines with each verdict. */
export type ImportCounts = Readonly<Record<ImportVerdict | 'refused', number>>;

export interface ImportInput {
  readonly lines: AsyncIterable<NumberedLine>;
  /** Whether a refused line or a taken name stops the import. The accounts of earlier lines are stored nevertheless. */
  readonly strict: boolean;
  readonly onRefused: (line: number, reason: string) => void;
  readonly onProgress: (counts: ImportCounts) => void;
}

export type ImportUsers = (input: ImportInput) => Promise<ImportCounts>;

/**
 * Stores the accounts of a file. Changes no account that exists, so the same file can be imported again. No mail is
 * sent and no event is published. The audit log gets one event for each batch that creates accounts. A refused line
 * stops the import only if `strict`.
 */
export const importUsers = (deps: Deps): ImportUsers => {
  const { userTransfer, admitPasswordHash, clock, newId, origin } = deps;

  return async ({ lines, strict, onRefused, onProgress }) => {
    const counts = { created: 0, unchanged: 0, taken: 0, refused: 0 };
    let batch: { readonly number: number; readonly user: ImportedUser }[] = [];
    for await (const { number, text } of lines) {
      const user = await readUser(text).catch((error: unknown) => refuse(number, error));
      if (user !== null) batch.push({ number, user });
      if (batch.length === BATCH) await storeBatch();
      if (strict && counts.refused + counts.taken > 0) break;
    }
    await storeBatch();
    return counts;

    async function storeBatch(): Promise<void> {
      const stored = batch;
      batch = [];
      if (stored.length === 0) return;
      const users = stored.map(({ user }) => user);
      const entry = auditOnlyEntry(newId, {
        type: 'users.imported',
        occurredAt: clock(),
        userId: null,
        origin,
        data: {},
      });
      const verdicts = await userTransfer.store(users, entry.occurredAt, entry);
      for (const [index, verdict] of verdicts.entries()) {
        counts[verdict] += 1;
        if (verdict === 'taken')
          onRefused(stored[index]?.number ?? 0, 'the name or address belongs to another account');
      }
      onProgress(counts);
    }

    function refuse(number: number, error: unknown): null {
      if (!(error instanceof RefusedLine)) throw error;
      counts.refused += 1;
      onRefused(number, error.message);
      return null;
    }
  };

  async function readUser(text: string | null): Promise<ImportedUser> {
    if (text === null) throw new RefusedLine('it is too long');
    const line = readUserLine(text);
    const { passwordHash, claims = NO_CLAIMS } = line;
    const passwordKind = passwordHash === undefined ? null : await admitPasswordHash(passwordHash);
    return { user: toUser(line, clock()), hasGivenId: line.id !== undefined, passwordKind, claims };
  }

  function toUser({ id, username, email, emailVerified, passwordHash, createdAt }: UserLine, now: number) {
    return {
      id: id ?? newId(),
      username,
      email,
      emailVerifiedAt: emailVerified === true ? now : null,
      passwordHash: passwordHash ?? NO_PASSWORD,
      roles: [],
      createdAt: createdAt === undefined ? now : Date.parse(createdAt),
    };
  }
};
