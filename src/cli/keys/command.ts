import { parseArgs } from 'node:util';
import type { KeyInSet } from '../../app/keys/list-keys.ts';
import type { KeySetAdmin } from '../../compose/key-set-admin.ts';

const USAGE = `npm run keys -- list          the keys that sign access tokens, and where each of them stands
npm run keys -- rotate        announces a new key, which signs once every verifier can know it
npm run keys -- rotate --now  in an emergency: the new key signs at once
npm run keys -- retire ID     takes a key out at once, as one that has leaked
`;

/** What the words after `npm run keys --` ask for, as text; throws how to ask where they ask for nothing. */
export function commandIn(args: string[]): (keys: KeySetAdmin) => Promise<string> {
  const { positionals, values } = parseArgs({
    args: separated(args),
    options: { now: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [verb, id, more] = positionals;
  if (verb === 'list' && id === undefined && !values.now) return list;
  if (verb === 'rotate' && id === undefined) return (keys) => rotate(keys, values.now);
  if (verb === 'retire' && id !== undefined && more === undefined && !values.now)
    return (keys) => retire(keys, id);
  throw new Error(USAGE);
}

/** The id of a generated key may begin with a hyphen: it is not an option. */
function separated(args: string[]): string[] {
  const [verb, id, ...rest] = args;
  const isKeyId = verb === 'retire' && id !== undefined && /^-[\w-]{42}$/.test(id);
  return isKeyId ? [verb, ...rest, '--', id] : args;
}

async function list(keys: KeySetAdmin): Promise<string> {
  const found = await keys.list();
  if (found.length === 0) return 'There are no keys: the first is made when the service starts.\n';
  const heads = ['kid', 'alg', 'state', 'announced', 'signs from', 'published until'];
  return aligned([heads, ...found.map(rowOf)]) + found.map(warningOf).join('');
}

async function rotate(keys: KeySetAdmin, atOnce: boolean): Promise<string> {
  const { key, isNew } = await keys.rotate(atOnce);
  const from = new Date(key.signsFrom).toISOString();
  return isNew
    ? `${key.id} (${key.alg}) is announced, and signs from ${from}.\n`
    : `${key.id} (${key.alg}) was announced before, and signs from ${from}; nothing has changed.\n`;
}

async function retire(keys: KeySetAdmin, id: string): Promise<string> {
  const { successor } = await keys.retire(id);
  const out = `${id} is out.`;
  return successor === null ? `${out}\n` : `${out} ${successor.id} (${successor.alg}) signs from now on.\n`;
}

function warningOf({ id, fault }: KeyInSet): string {
  return fault === null ? '' : `${id} ${fault}. Take it out: npm run keys -- retire ${id}\n`;
}

function rowOf({ id, alg, state, announcedAt, signsFrom, publishedUntil }: KeyInSet): string[] {
  return [id, alg, state, ...[announcedAt, signsFrom, publishedUntil].map(timeOf)];
}

/** A file tells of no times, and nobody knows how long the key that signs is to stay. */
function timeOf(milliseconds: number): string {
  return milliseconds > 0 && Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString() : '-';
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
