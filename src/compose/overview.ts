import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { UnusableKey } from '../adapters/jose/import-key.ts';
import type { Metrics } from '../adapters/telemetry/metrics.ts';
import { readingsOf } from '../adapters/telemetry/overview.ts';
import type { KeyInSet } from '../app/keys/list-keys.ts';
import type { HealthChecks } from '../app/overview/check-dependencies.ts';
import { type ReadOverview, readOverview } from '../app/overview/read-overview.ts';
import type { Config } from '../config.ts';
import { SYSTEM } from '../domain/audit.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { KeySetAdmin } from './key-set-admin.ts';
import type { Stores } from './stores.ts';
import type { PrimaryChannel } from './worker.ts';

interface Deps {
  readonly stores: Pick<Stores, 'families' | 'signingKeys'>;
  readonly metrics: Pick<Metrics, 'samples'>;
  readonly primary: Pick<PrimaryChannel, 'sumSamples'> | undefined;
  readonly checks: HealthChecks;
  readonly clock: Clock;
  readonly log: Log;
}

/** Builds the overview of the service for operators. */
export function createOverview(
  config: Pick<Config, 'http' | 'keySet' | 'policy'>,
  { stores, metrics, primary, checks, clock, log }: Deps,
): ReadOverview {
  const readSamples = primary?.sumSamples ?? metrics.samples;
  return readOverview({
    replica: `${hostname()}:${config.http.port}`,
    readReadings: async () => readingsOf(await readSamples()),
    families: stores.families,
    checks,
    listKeys: () => listKeys(config, { stores, clock, log }),
    clock,
  });
}

/** Loads the adapters on demand, because few services have a key set. */
async function listKeys(
  config: Pick<Config, 'keySet' | 'policy'>,
  { stores, clock, log }: Pick<Deps, 'stores' | 'clock' | 'log'>,
): Promise<readonly KeyInSet[] | null> {
  const { alg, file } = config.keySet;
  if (alg === null) return [];
  const { createDatabaseKeySetAdmin, createFileKeySetAdmin } = await import('./key-set-admin.ts');
  if (file !== null) return listKeysOfFile(createFileKeySetAdmin(config, file, clock));
  const signingKeys = await stores.signingKeys();
  return createDatabaseKeySetAdmin(config, {
    by: 'overview',
    origin: SYSTEM,
    newId: randomUUID,
    signingKeys,
    clock,
    log,
  }).list();
}

/** Null while the file is unusable. The key source logs the reason, and signs with the keys that it read before. */
async function listKeysOfFile(admin: Pick<KeySetAdmin, 'list'>): Promise<readonly KeyInSet[] | null> {
  try {
    return await admin.list();
  } catch (error) {
    if (error instanceof UnusableKey) return null;
    throw error;
  }
}
