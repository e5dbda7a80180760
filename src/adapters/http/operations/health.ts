import { Type } from '@sinclair/typebox';
import { withDeadline } from '../../../lib/time.ts';
import type { App } from '../server/app.ts';
import { oneOf } from '../server/field-schemas.ts';
import { jsonAnswer, problemResponses } from '../server/schemas.ts';

/**
 * Rejects while the dependency does not answer. Must end within bounded time: the next check starts only after its end.
 */
export type HealthCheck = () => Promise<void>;

const State = oneOf(['up', 'down']);
const Live = Type.Object(
  { status: oneOf(['up']) },
  { title: 'Liveness', additionalProperties: false, examples: [{ status: 'up' }] },
);
const Ready = Type.Object(
  { status: State, dependencies: Type.Record(Type.String(), State) },
  {
    title: 'Readiness',
    additionalProperties: false,
    examples: [{ status: 'up', dependencies: { database: 'up', capacity: 'up' } }],
  },
);

/** Milliseconds within which a dependency must answer. Probes of orchestrators have a deadline too. */
const DEADLINE = 2_000;

/** `/health/live`: the process answers. `/health/ready`: every dependency that requests need answers too. */
export function healthRoutes(app: App, { checks }: { checks: Readonly<Record<string, HealthCheck>> }): void {
  const schema = { tags: ['operations'], security: [] };
  const shared = Object.entries(checks).map(([name, check]) => [name, shareWhileRunning(check)] as const);

  app.get(
    '/health/live',
    {
      schema: {
        ...schema,
        operationId: 'getLiveness',
        summary: 'Check whether the process answers',
        response: { 200: jsonAnswer('the process answers', Live), ...problemResponses() },
      },
    },
    async () => ({ status: 'up' as const }),
  );

  app.get(
    '/health/ready',
    {
      schema: {
        ...schema,
        operationId: 'getReadiness',
        summary: 'Check whether the service can answer requests',
        response: {
          200: jsonAnswer('the database answers, and the service is not overloaded', Ready),
          503: jsonAnswer('the database does not answer, or the service is overloaded', Ready),
          ...problemResponses(),
        },
      },
    },
    async (request, reply) => {
      const states = await Promise.all(
        shared.map(async ([name, check]) => [name, await stateOf(name, check, request.log)] as const),
      );
      const dependencies = Object.fromEntries(states);
      const status = states.every(([, state]) => state === 'up') ? 'up' : 'down';
      if (status === 'down') reply.code(503).header('retry-after', '1');
      return { status, dependencies } as const;
    },
  );
}

/** Concurrent probes share one check. Otherwise the probes of a hung dependency would use up the connections. */
function shareWhileRunning(check: HealthCheck): HealthCheck {
  let running: Promise<void> | null = null;
  return () => {
    running ??= check().finally(() => {
      running = null;
    });
    return running;
  };
}

async function stateOf(name: string, check: HealthCheck, log: App['log']): Promise<'up' | 'down'> {
  try {
    await withDeadline(DEADLINE, check(), () => new Error(`no answer within ${DEADLINE} ms`));
    return 'up';
  } catch (error) {
    log.warn({ err: error, dependency: name }, 'dependency is down');
    return 'down';
  }
}
