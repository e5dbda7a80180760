import { type Static, Type } from '@sinclair/typebox';
import type { FindSessions } from '../../../app/administration/find-sessions.ts';
import type { ListSessionEvents } from '../../../app/audit/list-session-events.ts';
import type { EndSessions } from '../../../app/sessions/end-session.ts';
import type { EndSessionAsOperator } from '../../../app/sessions/end-session-as-operator.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import { type ClaimsOptions, changeSessionRoute, claimsRoutes } from '../administration/claims.ts';
import { type DisabledOptions, disabledRoutes } from '../administration/disabled.ts';
import { type UserFactorsOptions, userFactorRoutes } from '../administration/factors.ts';
import { type UsersOptions, userRoutes } from '../administration/users.ts';
import { OperatorsSessionList, PageQuery, toOperatorsSession } from '../canonical/session-item.ts';
import type { App } from '../server/app.ts';
import { oneOf } from '../server/field-schemas.ts';
import { canonicalIpAddress } from '../server/ip-address.ts';
import { adminOrigin, type OperatorOptions, operatorSchema, requireOperator } from '../server/operators.ts';
import { Empty, idOf, jsonAnswer, problemResponses, Text } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';
import { type AuditOptions, auditRoute } from './audit.ts';
import { type OverviewOptions, overviewRoutes } from './overview.ts';
import { sessionEventsRoute } from './session-events.ts';

export interface AdminOptions
  extends AuditOptions,
    DisabledOptions,
    ClaimsOptions,
    UsersOptions,
    UserFactorsOptions,
    OverviewOptions,
    OperatorOptions {
  readonly findSessions: FindSessions;
  readonly listSessionEvents: ListSessionEvents;
  readonly endSessionAsOperator: EndSessionAsOperator;
  readonly endSessions: EndSessions;
}

const SessionQuery = Type.Composite([
  PageQuery,
  Type.Object({
    userId: Type.Optional(UserId),
    state: Type.Optional(oneOf(['live', 'ended', 'all'], { description: 'default: `live`' })),
    address: Type.Optional(
      Type.String({ maxLength: 45, description: 'the address of the login or of the last refresh' }),
    ),
    client: Type.Optional(
      Type.String({ ...Text, maxLength: 100, description: 'the service key that opened the session' }),
    ),
    agent: Type.Optional(Type.String({ ...Text, maxLength: 200, description: 'a part of the user agent' })),
  }),
]);

/**
 * Routes for operators. They require a service key with scope `admin`. If `withCookie` is true, they also accept the
 * cookie of the console. Must be registered in a scope of their own.
 */
export async function adminRoutes(scope: App, options: AdminOptions, withCookie: boolean): Promise<void> {
  await requireOperator(scope, options, withCookie);
  overviewRoutes(scope, options);
  sessionEventsRoute(scope, options);
  auditRoute(scope, options);
  disabledRoutes(scope, options);
  claimsRoutes(scope, options);
  userRoutes(scope, options);
  userFactorRoutes(scope, options);
  changeSessionRoute(scope, options);
  findSessionsRoute(scope, options);
  endSessionRoute(scope, options);
  endSessionsOfUserRoute(scope, options);
}

function findSessionsRoute(scope: App, { findSessions }: AdminOptions): void {
  scope.get(
    '/admin/sessions',
    {
      schema: {
        ...operatorSchema,
        operationId: 'listSessionsOfUser',
        summary: 'List or find sessions, newest first',
        description:
          'Sessions of all users, or of one user. A request reads up to 10,000 sessions. So a page can have fewer ' +
          'items than `limit`, or none: continue while there is a `nextCursor`.',
        querystring: SessionQuery,
        response: {
          200: jsonAnswer('a page of sessions', OperatorsSessionList),
          ...problemResponses(400, 401, 403, 503),
        },
      },
    },
    async (request): Promise<Static<typeof OperatorsSessionList>> => {
      const { limit = 20, cursor = null, address, ...others } = request.query;
      const query = address === undefined ? others : { ...others, address: readIpAddress(address) };
      const { items, ...more } = await findSessions(query, { limit, cursor });
      return { items: items.map(toOperatorsSession), ...more };
    },
  );
}

function endSessionRoute(scope: App, { endSessionAsOperator }: AdminOptions): void {
  scope.delete(
    '/admin/sessions/:id',
    {
      schema: {
        ...operatorSchema,
        operationId: 'endSessionAsOperator',
        summary: 'End a session',
        params: Type.Object({ id: idOf('session') }),
        response: { 204: Empty, ...problemResponses(400, 401, 403, 404, 503) },
      },
    },
    async (request, reply) => {
      const id = request.params.id.toLowerCase();
      if (!(await endSessionAsOperator(id, adminOrigin(request)))) throw new Refusal('not_found');
      return reply.code(204).send(null);
    },
  );
}

function endSessionsOfUserRoute(scope: App, { endSessions }: AdminOptions): void {
  scope.delete(
    '/admin/users/:id/sessions',
    {
      schema: {
        ...operatorSchema,
        operationId: 'endSessionsOfUser',
        summary: 'End all sessions of a user',
        params: Type.Object({ id: UserId }),
        response: { 204: Empty, ...problemResponses(400, 401, 403, 503) },
      },
    },
    async (request, reply) => {
      const userId = canonicalUserId(request.params.id);
      await endSessions(userId, null, { reason: 'administrator', origin: adminOrigin(request) });
      return reply.code(204).send(null);
    },
  );
}

function readIpAddress(typed: string): string {
  const address = canonicalIpAddress(typed);
  if (address === null) throw new Refusal('invalid_request', 'The parameter address must be an IP address.');
  return address;
}
