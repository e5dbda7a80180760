import { Type } from '@sinclair/typebox';
import type { App } from '../server/app.ts';

/** Rejects while the dependency cannot be asked. */
export type HealthCheck = () => Promise<void>;

const State = Type.Union([Type.Literal('up'), Type.Literal('down')]);
const Live = Type.Object({ status: Type.Literal('up') }, { additionalProperties: false });
const Ready = Type.Object(
  { status: State, dependencies: Type.Record(Type.String(), State) },
  { additionalProperties: false },
);

/** `/health/live`: the process answers. `/health/ready`: so does everything without which it can only refuse. */
export function healthRoutes(app: App, { checks }: { checks: Readonly<Record<string, HealthCheck>> }): void {
  const schema = { tags: ['operations'] };

  app.get('/health/live', { schema: { ...schema, response: { 200: Live } } }, async () => {
    return { status: 'up' as const };
  });

  app.get(
    '/health/ready',
    { schema: { ...schema, response: { 200: Ready, 503: Ready } } },
    async (request, reply) => {
      const states = await Promise.all(
        Object.entries(checks).map(
          async ([name, check]) => [name, await stateOf(name, check, request.log)] as const,
        ),
      );
      const dependencies = Object.fromEntries(states);
      const status = states.every(([, state]) => state === 'up') ? 'up' : 'down';
      if (status === 'down') reply.code(503).header('retry-after', '1');
      return { status, dependencies } as const;
    },
  );
}

async function stateOf(name: string, check: HealthCheck, log: App['log']): Promise<'up' | 'down'> {
  try {
    await check();
    return 'up';
  } catch (error) {
    log.warn({ err: error, dependency: name }, 'dependency is down');
    return 'down';
  }
}
