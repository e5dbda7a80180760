import { randomUUID } from 'node:crypto';
import { createDataSealer } from '../../adapters/jose/sealed-data.ts';
import type { Sql } from '../../adapters/postgres/connect.ts';
import { isCurrent, probeSchema } from '../../adapters/postgres/probe-database.ts';
import { createSigningKeys } from '../../adapters/postgres/signing-keys.ts';
import { openStoredSecrets } from '../../app/factors/open-stored-secrets.ts';
import type { KeyInSet } from '../../app/keys/list-keys.ts';
import { createDatabaseKeySetAdmin, createFileKeySetAdmin } from '../../compose/key-set-admin.ts';
import type { Config } from '../../config.ts';
import { SYSTEM } from '../../domain/audit.ts';
import { DAY } from '../../domain/durations.ts';
import { formatCount, plural } from '../../domain/plural.ts';
import { commandLine } from '../../lib/command-line.ts';
import { remedyFor } from '../keys/key-commands.ts';
import { sealedStores } from '../keys/sealed-stores.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const SILENT = { info() {}, warn() {}, error() {} };

type SecretKeys = Pick<Config, 'tokens' | 'keySet' | 'dataKeys'>;

/** The secret keys of the configuration. */
export function checkSecretKeys({ tokens, keySet, dataKeys }: SecretKeys): Finding {
  const { accessKeys, refreshKeys, hashKeys } = tokens;
  const numbers = [accessKeys, refreshKeys, hashKeys].map(({ length }) => length);
  if (numbers.includes(0)) return ok('secret keys', 'generated in DATA_DIR at the first start');
  const [access, refresh, hash] = numbers;
  const counts = `${access} for access tokens, ${refresh} for refresh tokens, ${hash} for hashes, ${dataKeys.length} for stored secrets`;
  // Without an asymmetric algorithm no key set is encrypted.
  const forKeySet = keySet.encryptionKeys.length;
  return ok('secret keys', forKeySet === 0 ? counts : `${counts}, ${forKeySet} for the key set`);
}

/** The most stored secrets of each kind that the doctor opens. */
const MAX_SECRETS = 1_000;

/**
 * Whether DATA_ENCRYPTION_KEY opens the secrets of second factors and webhooks. Rejects if one cannot be opened. There
 * is no finding if the database does not run (`sql` is null), or if its schema is not that of this release.
 */
export async function checkStoredSecrets(
  { dataKeys, policy }: Pick<Config, 'dataKeys' | 'policy'>,
  sql: Sql | null,
): Promise<readonly Finding[]> {
  if (sql === null || !isCurrent(await probeSchema(sql))) return [];
  const stores = sealedStores(sql, policy);
  const opened = await openStoredSecrets({ stores, sealer: createDataSealer(dataKeys) }, MAX_SECRETS);
  return [ok('stored secrets', `${formatCount(opened)} opened with DATA_ENCRYPTION_KEY`)];
}

/** The keys of an asymmetric algorithm. `sql` is null if the database does not run. */
export async function checkKeySet(
  config: Pick<Config, 'keySet' | 'policy'>,
  sql: Sql | null,
  clock: () => number,
): Promise<readonly Finding[]> {
  const { alg, file } = config.keySet;
  if (alg === null) return [ok('key set', 'not used: ACCESS_TOKEN_ALG is HS512')];
  if (file !== null)
    return keySetFindings(await createFileKeySetAdmin(config, file, clock).list(), config, clock());
  if (sql === null || !(await probeSchema(sql)).isInstalled)
    return [ok('key set', 'in the database, which is not running or has no tables yet')];
  const deps = {
    signingKeys: createSigningKeys(sql),
    clock,
    log: SILENT,
    by: 'doctor',
    newId: randomUUID,
    origin: SYSTEM,
  };
  return keySetFindings(await createDatabaseKeySetAdmin(config, deps).list(), config, clock());
}

function keySetFindings(
  keys: readonly KeyInSet[],
  { keySet }: Pick<Config, 'keySet'>,
  now: number,
): Finding[] {
  const refused = keys.flatMap(({ id, fault }) => (fault === null ? [] : [{ id, fault }]));
  const findings = refused.map(({ id, fault }) =>
    fail('key set', `${id} ${fault.reason}`, remedyFor(id, fault)),
  );
  const signing = keys.find(({ state }) => state === 'signing');
  if (signing === undefined) {
    if (keys.length > 0)
      return [...findings, fail('key set', 'no key signs', commandLine('keys rotate --now'))];
    return [ok('key set', 'empty: the first start generates a key')];
  }
  return [...findings, signingKeyFinding(signing, keySet.rotateAfter, now)];
}

function signingKeyFinding(
  { id, alg, signsFrom }: KeyInSet,
  rotateAfter: number | null,
  now: number,
): Finding {
  if (signsFrom <= 0) return ok('key set', `${id} (${alg}) signs`);
  if (signsFrom > now) return ok('key set', `${id} (${alg}) signs from ${new Date(signsFrom).toISOString()}`);
  const days = Math.floor((now - signsFrom) / DAY);
  const found = `${id} (${alg}) has signed for ${plural(days, 'day')}`;
  const isOld = rotateAfter !== null && now - signsFrom > 2 * rotateAfter;
  return isOld
    ? warn('key set', found, `rotation is overdue: ${commandLine('keys rotate')}`)
    : ok('key set', found);
}
