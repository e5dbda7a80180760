import { type Static, Type } from '@sinclair/typebox';
import type {
  ListDeliveries,
  SendDeliveryAgain,
  SendPeriodAgain,
} from '../../../../app/webhooks/inspect-deliveries.ts';
import { PageQuery } from '../../canonical/session-item.ts';
import type { App } from '../../server/app.ts';
import { adminOrigin } from '../../server/operators.ts';
import { readTime } from '../../server/read-time.ts';
import { emptyAnswer, idOf, jsonAnswer, problemResponses } from '../../server/schemas.ts';
import { EndpointId, webhookSchema } from './endpoints.ts';
import { DeliveryList, PeriodBody, SentAgain, toDelivery } from './schemas.ts';

export interface DeliveryOptions {
  readonly listDeliveries: ListDeliveries;
  readonly sendDeliveryAgain: SendDeliveryAgain;
  readonly sendPeriodAgain: SendPeriodAgain;
}

/** Routes that show deliveries and send them again. Must be registered in a scope that requires an operator. */
export function deliveryRoutes(scope: App, options: DeliveryOptions): void {
  listRoute(scope, options);
  sendEventAgainRoute(scope, options);
  sendPeriodAgainRoute(scope, options);
}

function listRoute(scope: App, { listDeliveries }: DeliveryOptions): void {
  scope.get(
    '/admin/webhooks/:id/deliveries',
    {
      schema: {
        ...webhookSchema,
        operationId: 'listWebhookDeliveries',
        summary: 'List the deliveries to an endpoint of the last seven days, newest event first',
        params: EndpointId,
        querystring: PageQuery,
        response: {
          200: jsonAnswer('a page of deliveries', DeliveryList),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request): Promise<Static<typeof DeliveryList>> => {
      const { limit = 20, cursor = null } = request.query;
      const id = request.params.id.toLowerCase();
      const { items, ...more } = await listDeliveries(id, limit, cursor);
      return { items: items.map(toDelivery), ...more };
    },
  );
}

function sendEventAgainRoute(scope: App, { sendDeliveryAgain }: DeliveryOptions): void {
  scope.post(
    '/admin/webhooks/:id/deliveries/:eventId/send',
    {
      schema: {
        ...webhookSchema,
        operationId: 'sendWebhookAgain',
        summary: 'Send one event to an endpoint again',
        params: Type.Object({ id: idOf('endpoint'), eventId: idOf('event') }),
        response: {
          202: emptyAnswer(
            'the event is due at once; a disabled or paused endpoint gets it when it is enabled',
          ),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request, reply) => {
      const { id, eventId } = request.params;
      await sendDeliveryAgain(id.toLowerCase(), eventId.toLowerCase(), adminOrigin(request));
      return reply.code(202).send(undefined);
    },
  );
}

function sendPeriodAgainRoute(scope: App, { sendPeriodAgain }: DeliveryOptions): void {
  scope.post(
    '/admin/webhooks/:id/deliveries/send',
    {
      schema: {
        ...webhookSchema,
        operationId: 'sendWebhooksAgain',
        summary: 'Send the events of a period to an endpoint again',
        params: EndpointId,
        body: PeriodBody,
        response: {
          202: jsonAnswer('the number of events that are sent again', SentAgain),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request, reply): Promise<Static<typeof SentAgain>> => {
      const { from, to, onlyFailed = false } = request.body;
      const period = {
        from: readTime(from, 'The value of from'),
        to: readTime(to, 'The value of to'),
        onlyFailed,
      };
      const sent = await sendPeriodAgain(request.params.id.toLowerCase(), period, adminOrigin(request));
      reply.code(202);
      return sent;
    },
  );
}
