import { type Static, Type } from '@sinclair/typebox';
import type { ListSessionEvents } from '../../../app/audit/list-session-events.ts';
import type { EndSessions } from '../../../app/sessions/end-session.ts';
import type { EndSessionAsOperator } from '../../../app/sessions/end-session-as-operator.ts';
import type { ListSessions } from '../../../app/sessions/list-sessions.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { type ClaimsOptions, changeSessionRoute, claimsRoutes } from '../administration/claims.ts';
import { type DisabledOptions, disabledRoutes } from '../administration/disabled.ts';
import { OperatorsSessionList, operatorsSession, PageQuery } from '../canonical/session-item.ts';
import type { App } from '../server/app.ts';
import { adminOrigin, type OperatorOptions, requireOperator } from '../server/operators.ts';
import { answer, Empty, problems, Uuid } from '../server/schemas.ts';
import { type AuditOptions, auditRoute } from './audit.ts';
import { sessionEventsRoute } from './session-events.ts';

export interface AdminOptions extends AuditOptions, DisabledOptions, ClaimsOptions, OperatorOptions {
  readonly listSessions: ListSessions;
  readonly listSessionEvents: ListSessionEvents;
  readonly endSessionAsOperator: EndSessionAsOperator;
  readonly endSessions: EndSessions;
}

/**
 * Operator routes, with a service key of scope `admin`, or with the cookie of the console where `withCookie` is set.
 * Must be registered in a scope of their own.
 */
export async function adminRoutes(scope: App, options: AdminOptions, withCookie: boolean): Promise<void> {
  await requireOperator(scope, options, withCookie);
  const schema = { tags: ['operations'], security: [{ serviceKey: [] }] };
  const Id = Type.Object({ id: Uuid });
  sessionEventsRoute(scope, options);
  auditRoute(scope, options);
  disabledRoutes(scope, options);
  claimsRoutes(scope, options);
  changeSessionRoute(scope, options);

  scope.get(
    '/admin/sessions',
    {
      schema: {
        ...schema,
        operationId: 'listSessionsOfUser',
        summary: 'List the sessions of a user, newest first',
        querystring: Type.Composite([PageQuery, Type.Object({ userId: Uuid })]),
        response: {
          200: answer('a page of sessions', OperatorsSessionList),
          ...problems(400, 401, 403, 503),
        },
      },
    },
    async (request): Promise<Static<typeof OperatorsSessionList>> => {
      const { userId, limit = 20, cursor } = request.query;
      const { items, ...more } = await options.listSessions(userId.toLowerCase(), limit, cursor ?? null);
      return { items: items.map(operatorsSession), ...more };
    },
  );

  scope.delete(
    '/admin/sessions/:id',
    {
      schema: {
        ...schema,
        operationId: 'endSessionAsOperator',
        summary: 'End a session',
        params: Id,
        response: { 204: Empty, ...problems(400, 401, 403, 404, 503) },
      },
    },
    async (request, reply) => {
      const id = request.params.id.toLowerCase();
      if (!(await options.endSessionAsOperator(id, adminOrigin(request)))) throw new Refusal('not_found');
      return reply.code(204).send(null);
    },
  );

  scope.delete(
    '/admin/users/:id/sessions',
    {
      schema: {
        ...schema,
        operationId: 'endSessionsOfUser',
        summary: 'End all sessions of a user',
        params: Id,
        response: { 204: Empty, ...problems(400, 401, 403, 503) },
      },
    },
    async (request, reply) => {
      const userId = request.params.id.toLowerCase();
      await options.endSessions(userId, null, { reason: 'administrator', origin: adminOrigin(request) });
      return reply.code(204).send(null);
    },
  );
}
