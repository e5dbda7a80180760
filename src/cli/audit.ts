import { createAuditLog } from '../adapters/postgres/audit-log.ts';
import { createAuditSeals } from '../adapters/postgres/audit-seals.ts';
import { createSealMacs } from '../adapters/secrets/seal-macs.ts';
import { streamAuditEvents } from '../app/audit/read-audit-log.ts';
import { type Verification, verifySeals } from '../app/audit/verify-seals.ts';
import type { AuditType } from '../domain/audit.ts';
import type { SealFault, SealHead } from '../domain/audit-seal.ts';
import { formatCount, plural } from '../domain/plural.ts';
import { canonicalUserId, isUserId, isUuid, MAX_USER_ID, type UserIdFormat } from '../domain/user-id.ts';
import { commandLine } from '../lib/command-line.ts';
import { jsonLine } from '../lib/json-line.ts';
import { readSessionId } from './read-session-id.ts';
import { withSharedDatabase } from './with-database.ts';
import { write } from './write.ts';

export interface AuditListOptions {
  readonly type?: AuditType;
  readonly user?: string;
  readonly session?: string;
}

/** `kinship audit list`. Like `kinship audit verify`, it works while the service runs. */
export async function printAuditLog({ type, user, session }: AuditListOptions): Promise<void> {
  await withSharedDatabase(async (sql, { http }) => {
    const filter = {
      ...(type !== undefined && { types: [type] }),
      ...(user !== undefined && { userId: readUserId(user, http.userIdFormat) }),
      ...(session !== undefined && { sessionId: readSessionId(session) }),
    };
    const events = await streamAuditEvents({ auditLog: createAuditLog(sql) })(filter, null);
    for await (const { occurredAt, ...event } of events) {
      const line = { time: new Date(occurredAt).toISOString(), ...event };
      await write(jsonLine(line));
    }
  });
}

const NO_HASH_KEY =
  'The seals cannot be checked without REFRESH_TOKEN_HASH_KEY. ' +
  'Run this command in the folder of the service, or set the variable or DATA_DIR as for the service.';

/** `kinship audit verify`. */
export async function verifyAuditLog({ head }: { readonly head?: string }): Promise<void> {
  const expected = head === undefined ? null : readHead(head);
  await withSharedDatabase(async (sql, { tokens }) => {
    if (tokens.hashKeys.length === 0) throw new Error(NO_HASH_KEY);
    const deps = { auditSeals: createAuditSeals(sql), sealMacs: createSealMacs(tokens.hashKeys) };
    const verification = await verifySeals(deps)(expected);
    process.stdout.write(reportOf(verification));
    if (verification.fault !== null || verification.unchecked.length > 0) process.exitCode = 1;
  });
}

function reportOf({ fault, unchecked, seals, events, head }: Verification): string {
  const lines = unchecked.map(
    ({ seal, keyId }) => `Seal ${seal} cannot be checked: its key ${keyId} is not in REFRESH_TOKEN_HASH_KEY.`,
  );
  if (fault !== null) lines.push(describeFault(fault));
  else if (head === null) lines.push('There are no seals yet. The service seals events every ten seconds.');
  else {
    const found = `${plural(seals, 'seal')} with ${plural(events, 'event')}, up to ${head.number}:${head.mac}`;
    // The mark of a purge, which may also be unchecked, names a seal before the stored ones.
    const skipped = unchecked.filter(({ seal }) => seal > head.number - seals).length;
    lines.push(
      unchecked.length === 0
        ? `No change found in ${found}.`
        : `Not checked: ${formatCount(skipped)} of ${found}.${skipped < seals ? ' No change found in the others.' : ''}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function describeFault({ kind, seal, id }: SealFault): string {
  switch (kind) {
    case 'event_changed':
      return `Event ${id} of seal ${seal} was changed.`;
    case 'event_added':
      return `Event ${id} was added to seal ${seal}.`;
    case 'event_removed':
      return `Event ${id} of seal ${seal} was removed.`;
    case 'seal_added':
      return `Seal ${seal} was added.`;
    case 'seal_changed':
      return `Seal ${seal} was changed, or the seal before it was.`;
    case 'seal_missing':
      return `Seal ${seal} was removed.`;
    case 'mark_changed':
      return `The mark of the last purge, at seal ${seal}, was changed.`;
    case 'head_missing':
      return `Seal ${seal} of --head was removed: the end of the log is missing.`;
    case 'head_changed':
      return `Seal ${seal} is not the one of --head: the end of the log was replaced.`;
  }
}

function readUserId(text: string, format: UserIdFormat): string {
  const userId = canonicalUserId(text);
  if (format === 'text' ? isUserId(userId) : isUuid(text)) return userId;
  const rule = {
    text: `It has 1 to ${MAX_USER_ID} visible characters.`,
    uuid: 'It is a UUID here, as USER_ID_FORMAT is uuid.',
  };
  const search = commandLine('users list --query <name>');
  throw new Error(`"${text}" is no user id. ${rule[format]} Find the id of an account by: ${search}`);
}

function readHead(text: string): SealHead {
  const [, number = '', mac = ''] = /^(\d{1,15}):([\w-]{43})$/.exec(text) ?? [];
  if (number === '') throw new Error('--head must be number:mac of a seal, from the log of the service.');
  return { number: Number(number), mac };
}
