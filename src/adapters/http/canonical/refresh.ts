import { type Static, Type } from '@sinclair/typebox';
import type { Refresh } from '../../../app/sessions/refresh.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { ServiceKey } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { callerOf } from '../server/caller.ts';
import { examples } from '../server/examples.ts';
import { longText } from '../server/field-schemas.ts';
import {
  BODY_IS_OPTIONAL,
  ExchangeHeaders,
  jsonAnswer,
  PairAnswer,
  problemResponses,
} from '../server/schemas.ts';
import { createConfidentialClientFinder } from '../server/service-keys.ts';

export interface RefreshOptions {
  readonly refresh: Refresh;
  readonly serviceKeys: readonly ServiceKey[];
}

const members = {
  refreshToken: Type.Optional(longText()),
  accessToken: Type.Optional(
    longText({ description: 'the access token of the same pair; may have expired' }),
  ),
};
const Query = Type.Object(members);
const Body = Type.Object(members, {
  title: 'PairToRefresh',
  additionalProperties: false,
  examples: [{ refreshToken: examples.refresh, accessToken: examples.access }],
});

/** `POST /auth/refresh`: each token once, in the query or in the body. */
export function refreshRoute(app: App, { refresh: exchange, serviceKeys }: RefreshOptions): void {
  const findClient = createConfidentialClientFinder(serviceKeys);
  app.post(
    '/auth/refresh',
    {
      config: { pairUse: 'exchanges' },
      schema: {
        operationId: 'refresh',
        tags: ['sessions'],
        [BODY_IS_OPTIONAL]: true,
        summary: 'Exchange a token pair for its successor',
        security: [{}, { serviceKey: [] }],
        description:
          'A refresh token is valid for one refresh. If it is presented again later, its session ends. ' +
          'A confidential session also requires the service key that opened it, in `x-api-key`.',
        querystring: Query,
        headers: ExchangeHeaders,
        body: Body,
        response: {
          200: jsonAnswer('the next pair; for a retry, the same pair again', PairAnswer),
          ...problemResponses(400, 401, 403, 422, 503),
        },
      },
    },
    async (request) => {
      const { refreshToken, accessToken } = mergeParameters(request.query, request.body);
      return exchange({
        refreshToken: refreshToken ?? '',
        accessToken: accessToken ?? null,
        ...callerOf(request, findClient(request)),
      });
    },
  );
}

function mergeParameters(query: Static<typeof Query>, body: Static<typeof Body>) {
  for (const name of ['refreshToken', 'accessToken'] as const) {
    if (query[name] !== undefined && body[name] !== undefined) {
      throw new Refusal('invalid_request', `${name} is in the query and in the body. Send it once.`);
    }
  }
  return { ...query, ...body };
}
