import { Type } from '@sinclair/typebox';
import { checkDependencies, type HealthChecks } from '../../../app/overview/check-dependencies.ts';
import type { App } from '../server/app.ts';
import { oneOf } from '../server/field-schemas.ts';
import { jsonAnswer, problemResponses } from '../server/schemas.ts';

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

/** `/health/live`: the process answers. `/health/ready`: every dependency that requests need answers too. */
export function healthRoutes(app: App, { checks }: { readonly checks: HealthChecks }): void {
  const schema = { tags: ['operations'], security: [] };
  const checkAll = checkDependencies(checks);

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
      const checked = await checkAll();
      for (const { name, isUp, error } of checked)
        if (!isUp) request.log.warn({ err: error, dependency: name }, 'dependency is down');
      const dependencies = Object.fromEntries(checked.map(({ name, isUp }) => [name, stateOf(isUp)]));
      const status = stateOf(checked.every(({ isUp }) => isUp));
      if (status === 'down') reply.code(503).header('retry-after', '1');
      return { status, dependencies } as const;
    },
  );
}

function stateOf(isUp: boolean): 'up' | 'down' {
  return isUp ? 'up' : 'down';
}
