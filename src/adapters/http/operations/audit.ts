import { Readable } from 'node:stream';
import { type Static, Type } from '@sinclair/typebox';
import type { ListAuditEvents, StreamAuditEvents } from '../../../app/audit/read-audit-log.ts';
import { AUDIT_TYPES, type AuditEvent } from '../../../domain/audit.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import { jsonLine } from '../../../lib/json-line.ts';
import type { AuditFilter } from '../../../ports/stores/audit-log.ts';
import { PageQuery } from '../canonical/session-item.ts';
import type { App } from '../server/app.ts';
import { longText, nextCursor, oneOf } from '../server/field-schemas.ts';
import { operatorSchema } from '../server/operators.ts';
import { readTime } from '../server/read-time.ts';
import { idOf, problemResponses, Time } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';
import { AuditItem, auditExample, EventOrder, toAuditItem } from './audit-item.ts';

export interface AuditOptions {
  readonly listAuditEvents: ListAuditEvents;
  readonly streamAuditEvents: StreamAuditEvents;
}

const Query = Type.Composite([
  PageQuery,
  Type.Object({
    type: Type.Optional(oneOf(AUDIT_TYPES)),
    user: Type.Optional(UserId),
    session: Type.Optional(idOf('session')),
    from: Type.Optional(Type.String({ ...Time, description: 'events at this time or later' })),
    to: Type.Optional(Type.String({ ...Time, description: 'events before this time' })),
    order: EventOrder,
  }),
]);

const AuditPage = Type.Object(
  {
    data: Type.Array(AuditItem, { maxItems: 100 }),
    nextCursor,
  },
  { additionalProperties: false, title: 'AuditEventList', examples: [{ data: [auditExample] }] },
);

const NDJSON = 'application/x-ndjson';

const Lines = Type.Unsafe<Readable>(
  longText({ description: 'one event on each line', examples: [`${JSON.stringify(auditExample)}\n`] }),
);

/** `GET /admin/audit`. Must be registered in a scope with {@link requireOperator}. */
export function auditRoute(scope: App, { listAuditEvents, streamAuditEvents }: AuditOptions): void {
  scope.get(
    '/admin/audit',
    {
      schema: {
        ...operatorSchema,
        operationId: 'listAuditEvents',
        summary: 'List or export the audit log',
        description:
          `With \`Accept: ${NDJSON}\` the answer is a stream of all events after the cursor, one on each line, ` +
          'oldest first. `limit` and `order` do not apply. A request with `user` or `session` reads up to 10,000 of their ' +
          'events. So a page can have fewer events than `limit`, or none: go on while there is a `nextCursor`.',
        querystring: Query,
        response: {
          200: {
            description: 'a page of events, or a stream of them',
            content: {
              'application/json': { schema: AuditPage },
              [NDJSON]: {
                schema: Lines,
              },
            },
          },
          ...problemResponses(400, 401, 403, 503),
        },
      },
    },
    async (request, reply): Promise<Static<typeof AuditPage> | Readable> => {
      const { limit = 20, cursor = null, order } = request.query;
      const filter = filterOf(request.query);
      if (wantsLines(request.headers.accept)) {
        const events = await streamAuditEvents(filter, cursor);
        reply.type(NDJSON);
        // For HEAD, Fastify would read the stream to its end.
        return Readable.from(request.method === 'HEAD' ? [] : toLines(events));
      }
      const { items, ...more } = await listAuditEvents(filter, {
        limit,
        cursor,
        newestFirst: order === 'newest',
      });
      return { data: items.map(toAuditItem), ...more };
    },
  );
}

function filterOf({ type, user, session, from, to }: Static<typeof Query>): AuditFilter {
  return {
    ...(type !== undefined && { types: [type] }),
    ...(user !== undefined && { userId: canonicalUserId(user) }),
    ...(session !== undefined && { sessionId: session.toLowerCase() }),
    ...(from !== undefined && { from: readTime(from, 'The parameter from') }),
    ...(to !== undefined && { to: readTime(to, 'The parameter to') }),
  };
}

function wantsLines(accept = ''): boolean {
  return accept.split(',').some((entry) => entry.split(';')[0]?.trim().toLowerCase() === NDJSON);
}

async function* toLines(events: AsyncIterable<AuditEvent>) {
  for await (const event of events) yield jsonLine(toAuditItem(event));
}
