import { type Static, Type } from '@sinclair/typebox';
import type { ListActivity } from '../../../app/audit/list-activity.ts';
import type { AuditEvent } from '../../../domain/audit.ts';
import type { App } from '../server/app.ts';
import { principalOf } from '../server/authenticate.ts';
import { describeUserAgent } from '../server/describe-user-agent.ts';
import { examples } from '../server/examples.ts';
import { closed, longText, nextCursor, oneOf } from '../server/field-schemas.ts';
import { jsonAnswer, problemResponses, Time, Uuid } from '../server/schemas.ts';
import { PageQuery } from './session-item.ts';

export interface ActivityOptions {
  readonly listActivity: ListActivity;
}

const ActivityList = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          time: Time,
          type: longText(),
          by: oneOf(['user', 'service_key', 'operator', 'system']),
          sessionId: Type.Optional(Uuid),
          ip: Type.Optional(longText()),
          userAgent: Type.Optional(longText({ description: 'the browser or app in words' })),
          reason: Type.Optional(longText({ description: 'why a session ended' })),
        },
        { ...closed, title: 'Activity' },
      ),
      { maxItems: 100 },
    ),
    nextCursor,
  },
  {
    ...closed,
    title: 'ActivityList',
    examples: [
      {
        items: [
          {
            time: examples.time,
            type: 'sessions.started',
            by: 'user',
            sessionId: examples.session,
            ip: '192.0.2.7',
            userAgent: 'Firefox 145 on Linux',
          },
        ],
      },
    ],
  },
);

/** `GET /auth/activity`. Must be registered in a scope that requires an access token. */
export function activityRoute(app: App, { listActivity }: ActivityOptions): void {
  app.get(
    '/auth/activity',
    {
      schema: {
        tags: ['sessions'],
        security: [{ bearer: [] }],
        operationId: 'listActivity',
        summary: 'List what happened to the sessions and the account of the user, newest first',
        description:
          'A request reads up to 10,000 events of the user. So a page can have fewer items than `limit`, or none: go on while ' +
          'there is a `nextCursor`.',
        querystring: PageQuery,
        response: { 200: jsonAnswer('a page of activity', ActivityList), ...problemResponses(400, 401, 503) },
      },
    },
    async (request): Promise<Static<typeof ActivityList>> => {
      const { limit = 20, cursor = null } = request.query;
      const { items, ...more } = await listActivity(principalOf(request).userId, { limit, cursor });
      return { items: items.map(toActivityItem), ...more };
    },
  );
}

/** The facts that the user can recognize. The names of service keys and the facts of tokens are for operators only. */
export function toActivityItem({ occurredAt, type, sessionId, origin, data }: AuditEvent) {
  const { actor, address, userAgent } = origin;
  return {
    time: new Date(occurredAt).toISOString(),
    type,
    by: actor.kind,
    ...(sessionId !== null && { sessionId }),
    // The IP address and the user agent are shown only if the user caused the event. Those of operators stay hidden.
    ...(address !== null && actor.kind === 'user' && { ip: address }),
    ...(userAgent !== null && actor.kind === 'user' && { userAgent: describeUserAgent(userAgent) }),
    ...(typeof data.reason === 'string' && { reason: data.reason }),
  };
}
