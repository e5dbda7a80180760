import type { KeyInSet } from '../../app/keys/list-keys.ts';
import type { KeySetAdmin } from '../../compose/key-set-admin.ts';
import { commandLine } from '../../lib/command-line.ts';
import type { KeyFault } from '../../ports/security/key-maker.ts';
import { formatTable } from '../table.ts';

/** Each key with its state and times, as an aligned table. */
export async function listKeys(keys: KeySetAdmin): Promise<string> {
  const found = await keys.list();
  if (found.length === 0)
    return 'There are no keys. With an asymmetric ACCESS_TOKEN_ALG the service makes the first key when it starts.\n';
  const heads = ['kid', 'alg', 'state', 'announced', 'signs from', 'published until'];
  const signing = found.find(({ state }) => state === 'signing');
  const rows = found.map((key) => rowOf(key, signing?.signsFrom ?? Number.POSITIVE_INFINITY));
  return formatTable([heads, ...rows]) + found.map(warningOf).join('');
}

/** Announces a new key, unless one is already announced. Returns a sentence that says when the key signs. */
export async function rotateKey(keys: KeySetAdmin, atOnce: boolean): Promise<string> {
  const { key, isNew } = await keys.rotate(atOnce);
  const from = new Date(key.signsFrom).toISOString();
  if (isNew && atOnce) return `${key.id} (${key.alg}) signs now.\n`;
  return isNew
    ? `${key.id} (${key.alg}) is announced, and signs from ${from}.\n`
    : `${key.id} (${key.alg}) is already announced, and signs from ${from}; nothing has changed.\n`;
}

/** Removes a key, and returns a sentence that names its successor. */
export async function retireKey(keys: KeySetAdmin, id: string): Promise<string> {
  const { successor } = await keys.retire(id);
  const removed = `${id} was removed.`;
  if (successor === null) return `${removed}\n`;
  return `${removed} ${successor.id} (${successor.alg}) signs from now on.\n`;
}

function warningOf({ id, fault }: KeyInSet): string {
  return fault === null ? '' : `${id} ${fault.reason}. ${remedyFor(id, fault)}\n`;
}

/** What an operator does about a refused key. */
export function remedyFor(id: string, { isSealedElsewhere }: KeyFault): string {
  const retire = commandLine(`keys retire ${id}`);
  return isSealedElsewhere
    ? `Add the key that sealed it to KEY_SET_ENCRYPTION_KEY. Only if that key is lost: ${retire}`
    : `Remove it: ${retire}`;
}

function rowOf(
  { id, alg, state, announcedAt, signsFrom, publishedUntil }: KeyInSet,
  latestSignsFrom: number,
): string[] {
  // An announced key that `rotate --now` replaced never signs.
  const from = state === 'retired' && signsFrom > latestSignsFrom ? 0 : signsFrom;
  return [id, alg, state, ...[announcedAt, from, publishedUntil].map(timeOf)];
}

/** `-` for an unknown time. A key file holds no times, and the signing key has no end yet. */
function timeOf(milliseconds: number): string {
  return milliseconds > 0 && Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString() : '-';
}
