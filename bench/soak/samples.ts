import { scrape } from '../../test/support/exposition.ts';
import { statement } from '../contestants/databases.ts';
import { cpuSeconds, memoryOf, openFiles } from '../measure/processes.ts';
import { quantile } from '../measure/statistics.ts';
import type { Window } from './traffic.ts';
import { KINDS } from './users.ts';

const TABLES = ['token_families', 'outbox', 'security_events'] as const;

/** Figures of one moment, and of the window that ends then, by name. NaN: there was nothing to measure. */
export type Sample = Readonly<Record<string, number>>;

export interface SampledService {
  readonly pid: number;
  readonly databaseUrl: string;
  readonly metricsUrl: string;
}

/** Returns a function that takes the sample of one window. */
export function createSampler({ pid, databaseUrl, metricsUrl }: SampledService) {
  const started = performance.now();
  let cpuBefore = cpuSeconds(pid);

  return async (window: Window): Promise<Sample> => {
    const cpu = cpuSeconds(pid);
    const spent = cpu - cpuBefore;
    cpuBefore = cpu;
    const metrics = await scrape(metricsUrl);
    return {
      minutes: (performance.now() - started) / 60_000,
      'memory, MB': memoryOf(pid).now / 1e6,
      'heap, MB': (metrics.get('nodejs_heap_size_used_bytes') ?? Number.NaN) / 1e6,
      'open descriptors': openFiles(pid),
      ...(await databaseFigures(databaseUrl)),
      'CPU of a request, µs': (1e6 * spent) / window.answered,
      answers: window.answered,
      'not sent': window.skipped,
      shed: window.shed,
      unexpected: window.unexpected,
      ...latencies(window),
    };
  };
}

async function databaseFigures(url: string): Promise<Sample> {
  const figures: Record<string, number> = {};
  const [counts] = await statement(
    url,
    `select (select count(*) from outbox where buried_at is null) as waiting,
       (select count(*) from outbox where buried_at is not null) as buried,
       (select count(*) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()) as connections`,
  );
  figures['waiting outbox rows'] = Number(counts?.waiting);
  figures['dead-lettered outbox rows'] = Number(counts?.buried);
  figures['database connections'] = Number(counts?.connections);
  const rows = await statement(
    url,
    `select relname as name, pg_table_size(relid) as heap, pg_indexes_size(relid) as indexes, n_dead_tup as dead,
       n_live_tup as live
     from pg_stat_user_tables where relname in (${TABLES.map((table) => `'${table}'`)})`,
  );
  for (const { name, heap, indexes, dead, live } of rows) {
    figures[`${name}: table, kB`] = Number(heap) / 1e3;
    figures[`${name}: indexes, kB`] = Number(indexes) / 1e3;
    figures[`${name}: dead rows`] = Number(dead);
    figures[`${name}: bytes for a row`] = (Number(heap) + Number(indexes)) / Number(live);
  }
  return figures;
}

function latencies({ times }: Window): Sample {
  const figures: Record<string, number> = {};
  for (const kind of KINDS) {
    const sorted = (times.get(kind) ?? []).toSorted((a, b) => a - b);
    figures[`${kind}: p50, ms`] = quantile(sorted, 0.5);
    figures[`${kind}: p99, ms`] = quantile(sorted, 0.99);
  }
  return figures;
}
