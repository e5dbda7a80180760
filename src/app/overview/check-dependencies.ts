import { SECOND } from '../../domain/durations.ts';
import { withDeadline } from '../../lib/time.ts';
import type { DependencyState } from '../../ports/overview.ts';

/**
 * Rejects while the dependency does not answer. Must end within bounded time: the next check starts only after its end.
 */
export type HealthCheck = () => Promise<void>;

/** The check of each dependency by its name. */
export type HealthChecks = Readonly<Record<string, HealthCheck>>;

interface CheckedDependency extends DependencyState {
  /** Why the dependency is down. */
  readonly error?: unknown;
}

/** Milliseconds within which a dependency must answer. Probes of orchestrators have a deadline too. */
const DEADLINE = 2 * SECOND;

/** Returns a function that checks all dependencies at the same time. It never rejects. */
export function checkDependencies(checks: HealthChecks): () => Promise<readonly CheckedDependency[]> {
  const shared = Object.entries(checks).map(([name, check]) => [name, shareWhileRunning(check)] as const);
  return () => Promise.all(shared.map(([name, check]) => stateOf(name, check)));
}

/** Concurrent calls share one check. Otherwise the checks of a hung dependency would use up the connections. */
function shareWhileRunning(check: HealthCheck): HealthCheck {
  let running: Promise<void> | null = null;
  return () => {
    running ??= check().finally(() => {
      running = null;
    });
    return running;
  };
}

async function stateOf(name: string, check: HealthCheck): Promise<CheckedDependency> {
  try {
    await withDeadline(DEADLINE, check(), () => new Error(`no answer within ${DEADLINE} ms`));
    return { name, isUp: true };
  } catch (error) {
    return { name, isUp: false, error };
  }
}
