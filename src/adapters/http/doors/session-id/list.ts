import { type Static, Type } from '@sinclair/typebox';
import type { ListSessions } from '../../../../app/sessions/list-sessions.ts';
import type { ServiceKey } from '../../../../domain/service-key.ts';
import type { TokenFamily } from '../../../../domain/token-family.ts';
import type { App } from '../../server/app.ts';
import { examples } from '../../server/examples.ts';
import { longText } from '../../server/field-schemas.ts';
import { jsonAnswer, problemResponses, Time, Uuid } from '../../server/schemas.ts';
import { UserId } from '../../server/user-ids.ts';

export interface SessionIdListOptions {
  readonly listSessions: ListSessions;
  readonly serviceKeys: readonly ServiceKey[];
}

const MAX_SESSIONS = 1_000;

const Item = Type.Object(
  {
    id: Uuid,
    guid: UserId,
    hashed_refresh_token: longText(),
    created_time: Time,
    updated_time: Time,
  },
  { title: 'SessionIdSession', additionalProperties: false },
);
const Items = Type.Array(Item, {
  maxItems: MAX_SESSIONS,
  examples: [
    [
      {
        id: examples.session,
        guid: examples.user,
        hashed_refresh_token: examples.hash,
        created_time: examples.time,
        updated_time: examples.time,
      },
    ],
  ],
});

/** Must be registered in a Fastify scope that requires a service key with scope `admin`. */
export function listRoute(app: App, { listSessions }: SessionIdListOptions): void {
  app.get(
    '/api/v1/auth/sessions',
    {
      schema: {
        operationId: 'sessionIdListSessions',
        tags: ['session-id'],
        summary: 'List the newest 1,000 live sessions of all users, newest first',
        security: [{ serviceKey: [] }],
        response: { 200: jsonAnswer('the sessions', Items), ...problemResponses(401, 403, 503) },
      },
    },
    async () => {
      return (await listSessions(null, MAX_SESSIONS, null)).items.map(toItem);
    },
  );
}

function toItem(family: TokenFamily): Static<typeof Item> {
  return {
    id: family.tokenFamily,
    guid: family.userId,
    hashed_refresh_token: family.hashedRefreshTokenId,
    created_time: new Date(family.createdAt).toISOString(),
    updated_time: new Date(family.rotatedAt).toISOString(),
  };
}
