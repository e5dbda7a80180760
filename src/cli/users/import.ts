import { randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { importedArgon2Hashes } from '../../adapters/argon2/argon2-hashes.ts';
import { foreignPasswords } from '../../adapters/foreign-passwords/foreign-passwords.ts';
import { createUserTransfer } from '../../adapters/postgres/user-transfer.ts';
import { admitPasswordHash } from '../../app/users/admit-password-hash.ts';
import { type ImportCounts, importUsers } from '../../app/users/import-users.ts';
import { byCommand } from '../../domain/audit.ts';
import { formatCount, plural } from '../../domain/plural.ts';
import { errorCode } from '../../lib/errors.ts';
import { operatingSystemUser } from '../command-context.ts';
import { createProgress } from '../progress.ts';
import { withSharedDatabase } from '../with-database.ts';
import { countLines, readLines } from './lines.ts';

/** `kinship users import`: stores the accounts of a file of JSON lines, `-` for standard input. */
export async function importUsersFrom(file: string, { strict = false }: { strict?: boolean }): Promise<void> {
  const total = (await isRegular(file)) ? await countLines(createReadStream(file)) : null;
  const progress = createProgress(process.stderr, () => performance.now());
  const counts = await withSharedDatabase(
    async (sql) => {
      const userTransfer = createUserTransfer(sql);
      const started = performance.now();
      const counts = await importUsers({
        userTransfer,
        admitPasswordHash: admitPasswordHash({
          verifiers: [importedArgon2Hashes, ...foreignPasswords],
          userTransfer,
          stopwatch: () => performance.now(),
        }),
        clock: Date.now,
        newId: randomUUID,
        origin: byCommand(operatingSystemUser()),
      })({
        lines: readLines(file === '-' ? process.stdin : createReadStream(file)),
        strict,
        onRefused(line, reason) {
          progress.clear();
          process.stderr.write(`line ${line}: ${escapeControlCharacters(reason)}\n`);
        },
        onProgress: (counts) => progress.show('lines read', sumOf(counts), total),
      });
      progress.end();
      process.stdout.write(summaryOf(counts, performance.now() - started));
      return counts;
    },
    { creates: true },
  ).finally(progress.end);
  if (counts.refused + counts.taken > 0) process.exitCode = 1;
}

/**
 * Whether the file can be read twice. A pipe can be read only once, so its lines are not counted before the import.
 * Throws if there is no such file, or it cannot be read.
 */
async function isRegular(file: string): Promise<boolean> {
  if (file === '-') return false;
  try {
    const stats = await stat(file);
    if (!stats.isDirectory()) {
      await access(file, constants.R_OK);
      return stats.isFile();
    }
  } catch (error) {
    const code = errorCode(error);
    throw new Error(
      code === 'ENOENT' ? `There is no file ${file}.` : `The file ${file} cannot be read: ${code}.`,
    );
  }
  throw new Error(`${file} is a folder. Name a file with one JSON object on each line.`);
}

/** A reason may quote the file. A terminal obeys control characters, and format characters change the order of text. */
function escapeControlCharacters(text: string): string {
  return text.replace(/\p{C}/gu, (hidden) => `\\u{${hidden.codePointAt(0)?.toString(16)}}`);
}

const sumOf = ({ created, unchanged, taken, refused }: ImportCounts) => created + unchanged + taken + refused;

function summaryOf(counts: ImportCounts, milliseconds: number): string {
  const { created, unchanged, taken, refused } = counts;
  const rate = Math.round(sumOf(counts) / (Math.max(milliseconds, 1) / 1_000));
  const others = `${formatCount(unchanged)} unchanged, ${formatCount(taken + refused)} refused`;
  return `${plural(created, 'user')} imported, ${others}, ${formatCount(rate)} lines a second\n`;
}
