import { type Static, Type } from '@sinclair/typebox';
import type { AddEndpoint } from '../../../../app/webhooks/add-endpoint.ts';
import type {
  ChangeEndpoint,
  FindEndpoint,
  ListEndpoints,
  RemoveEndpoint,
  RotateEndpointSecret,
} from '../../../../app/webhooks/manage-endpoints.ts';
import type { App } from '../../server/app.ts';
import { adminOrigin } from '../../server/operators.ts';
import { Empty, idOf, jsonAnswer, problemResponses } from '../../server/schemas.ts';
import {
  AddedEndpoint,
  Endpoint,
  EndpointChangeBody,
  EndpointList,
  NewEndpointBody,
  RotatedSecret,
  timeOf,
  toEndpoint,
} from './schemas.ts';

export interface EndpointOptions {
  readonly addEndpoint: AddEndpoint;
  readonly listEndpoints: ListEndpoints;
  readonly findEndpoint: FindEndpoint;
  readonly changeEndpoint: ChangeEndpoint;
  readonly removeEndpoint: RemoveEndpoint;
  readonly rotateEndpointSecret: RotateEndpointSecret;
}

export const webhookSchema = { tags: ['webhooks'], security: [{ serviceKey: [] }] };

export const EndpointId = Type.Object({ id: idOf('endpoint') });

/** Routes that manage the endpoints of webhooks. Must be registered in a scope that requires an operator. */
export function endpointRoutes(scope: App, options: EndpointOptions): void {
  addRoute(scope, options);
  listRoute(scope, options);
  getRoute(scope, options);
  changeRoute(scope, options);
  removeRoute(scope, options);
  rotateSecretRoute(scope, options);
}

function addRoute(scope: App, { addEndpoint }: EndpointOptions): void {
  scope.post(
    '/admin/webhooks',
    {
      schema: {
        ...webhookSchema,
        operationId: 'addWebhook',
        summary: 'Add an endpoint that gets events',
        body: NewEndpointBody,
        response: {
          201: jsonAnswer('the endpoint, with its secret', AddedEndpoint),
          ...problemResponses(400, 401, 403, 409, 503),
        },
      },
    },
    async (request, reply): Promise<Static<typeof AddedEndpoint>> => {
      const {
        url,
        types,
        enabled = true,
        contact = null,
        format = 'webhook',
        audience = null,
      } = request.body;
      const wanted = { url, types, enabled, contact, format, audience };
      const { endpoint, secret } = await addEndpoint(wanted, adminOrigin(request));
      reply.code(201).header('cache-control', 'no-store');
      return { ...toEndpoint(endpoint), ...(secret !== null && { secret }) };
    },
  );
}

function listRoute(scope: App, { listEndpoints }: EndpointOptions): void {
  scope.get(
    '/admin/webhooks',
    {
      schema: {
        ...webhookSchema,
        operationId: 'listWebhooks',
        summary: 'List the endpoints that get events, oldest first',
        response: { 200: jsonAnswer('all endpoints', EndpointList), ...problemResponses(401, 403, 503) },
      },
    },
    async (): Promise<Static<typeof EndpointList>> => ({
      items: (await listEndpoints()).map(toEndpoint),
    }),
  );
}

function getRoute(scope: App, { findEndpoint }: EndpointOptions): void {
  scope.get(
    '/admin/webhooks/:id',
    {
      schema: {
        ...webhookSchema,
        operationId: 'getWebhook',
        summary: 'Get an endpoint',
        params: EndpointId,
        response: { 200: jsonAnswer('the endpoint', Endpoint), ...problemResponses(400, 401, 403, 404, 503) },
      },
    },
    async (request): Promise<Static<typeof Endpoint>> =>
      toEndpoint(await findEndpoint(request.params.id.toLowerCase())),
  );
}

function changeRoute(scope: App, { changeEndpoint }: EndpointOptions): void {
  scope.patch(
    '/admin/webhooks/:id',
    {
      schema: {
        ...webhookSchema,
        operationId: 'changeWebhook',
        summary: 'Change, disable or enable an endpoint',
        description:
          'Enabling an endpoint clears `failingSince`. Events that occurred while it was disabled are not sent to it.',
        params: EndpointId,
        body: EndpointChangeBody,
        response: {
          200: jsonAnswer('the endpoint after the change', Endpoint),
          ...problemResponses(400, 401, 403, 404, 409, 503),
        },
      },
    },
    async (request): Promise<Static<typeof Endpoint>> =>
      toEndpoint(await changeEndpoint(request.params.id.toLowerCase(), request.body, adminOrigin(request))),
  );
}

function removeRoute(scope: App, { removeEndpoint }: EndpointOptions): void {
  scope.delete(
    '/admin/webhooks/:id',
    {
      schema: {
        ...webhookSchema,
        operationId: 'removeWebhook',
        summary: 'Remove an endpoint',
        params: EndpointId,
        response: { 204: Empty, ...problemResponses(400, 401, 403, 404, 409, 503) },
      },
    },
    async (request, reply) => {
      await removeEndpoint(request.params.id.toLowerCase(), adminOrigin(request));
      return reply.code(204).send(null);
    },
  );
}

function rotateSecretRoute(scope: App, { rotateEndpointSecret }: EndpointOptions): void {
  scope.post(
    '/admin/webhooks/:id/secret',
    {
      schema: {
        ...webhookSchema,
        operationId: 'rotateWebhookSecret',
        summary: 'Make a new secret for an endpoint',
        description:
          'For a day each request carries two signatures, one for each secret. If the former secret leaked, make a new secret twice.',
        params: EndpointId,
        response: {
          201: jsonAnswer('the new secret', RotatedSecret),
          ...problemResponses(400, 401, 403, 404, 409, 503),
        },
      },
    },
    async (request, reply): Promise<Static<typeof RotatedSecret>> => {
      const { secret, formerSignsUntil } = await rotateEndpointSecret(
        request.params.id.toLowerCase(),
        adminOrigin(request),
      );
      reply.code(201).header('cache-control', 'no-store');
      return { secret, formerSignsUntil: timeOf(formerSignsUntil) };
    },
  );
}
