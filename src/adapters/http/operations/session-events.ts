import { type Static, Type } from '@sinclair/typebox';
import type { ListSessionEvents } from '../../../app/audit/list-session-events.ts';
import {
  OperatorsSession,
  PageQuery,
  sessionExample,
  toOperatorsSession,
} from '../canonical/session-item.ts';
import type { App } from '../server/app.ts';
import { examples } from '../server/examples.ts';
import { closed, nextCursor } from '../server/field-schemas.ts';
import { operatorSchema } from '../server/operators.ts';
import { idOf, jsonAnswer, problemResponses } from '../server/schemas.ts';
import { AuditItem, auditExample, EventOrder, toAuditItem } from './audit-item.ts';

const SessionEventList = Type.Object(
  {
    session: Type.Union([OperatorsSession, Type.Null()], {
      description: 'null: the session ended so long ago that its row is gone',
    }),
    data: Type.Array(AuditItem, { maxItems: 100 }),
    nextCursor,
  },
  {
    ...closed,
    title: 'SessionEventList',
    examples: [
      {
        session: { ...sessionExample, endedAt: examples.time, endReason: 'reuse' },
        data: [auditExample],
      },
    ],
  },
);

const Query = Type.Composite([PageQuery, Type.Object({ order: EventOrder })]);

/** `GET /admin/sessions/{id}/events`. Must be registered in a scope that requires an operator. */
export function sessionEventsRoute(
  scope: App,
  { listSessionEvents }: { readonly listSessionEvents: ListSessionEvents },
): void {
  scope.get(
    '/admin/sessions/:id/events',
    {
      schema: {
        ...operatorSchema,
        operationId: 'listSessionEvents',
        summary: 'List the recorded events of a session',
        description:
          'The login, changes of network and product, step-ups, refused DPoP proofs, reuse, healing, changes by operators ' +
          'and the end. Plain rotations and retries are not recorded.',
        params: Type.Object({ id: idOf('session') }),
        querystring: Query,
        response: {
          200: jsonAnswer('a page of events', SessionEventList),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request): Promise<Static<typeof SessionEventList>> => {
      const { limit = 20, cursor = null, order } = request.query;
      const { family, items, ...more } = await listSessionEvents(request.params.id.toLowerCase(), {
        limit,
        cursor,
        newestFirst: order === 'newest',
      });
      return { session: family && toOperatorsSession(family), data: items.map(toAuditItem), ...more };
    },
  );
}
