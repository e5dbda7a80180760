import { type Static, Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import type { CreateStream } from '../../../app/streams/create-stream.ts';
import type {
  ChangeStream,
  FindStream,
  ListStreams,
  RemoveStream,
  StreamUpdate,
} from '../../../app/streams/manage-streams.ts';
import { byServiceKey } from '../../../domain/audit.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { Empty, jsonAnswer, problemResponses } from '../server/schemas.ts';
import {
  findContradiction,
  NewStreamBody,
  propertiesOf,
  StreamAnswer,
  StreamChangeBody,
  StreamId,
  StreamOrList,
  StreamQuery,
  StreamReplacementBody,
  toStream,
  updateOf,
} from './schemas.ts';

export interface StreamOptions {
  readonly createStream: CreateStream;
  readonly listStreams: ListStreams;
  readonly findStream: FindStream;
  readonly changeStream: ChangeStream;
  readonly removeStream: RemoveStream;
  /** The `iss` of newly issued tokens. */
  readonly issuer: string;
}

export const STREAMS = '/signals/streams';

export const signalSchema = {
  tags: ['signals'],
  security: [{ serviceKey: [] }, { serviceKeyAsBearer: [] }],
};

/** Returns the receiver that sent the request, by the name of its service key. */
export type ReadReceiver = (request: FastifyRequest) => string;

/** The configuration endpoint of SSF 1.0 (section 8.1.1). */
export function streamRoutes(scope: App, options: StreamOptions, readReceiver: ReadReceiver): void {
  createRoute(scope, options, readReceiver);
  readRoute(scope, options, readReceiver);
  changeRoutes(scope, options, readReceiver);
  removeRoute(scope, options, readReceiver);
}

function createRoute(scope: App, { createStream, issuer }: StreamOptions, readReceiver: ReadReceiver): void {
  scope.post(
    STREAMS,
    {
      schema: {
        ...signalSchema,
        operationId: 'createStream',
        summary: 'Create a stream of security events',
        body: NewStreamBody,
        response: {
          201: jsonAnswer('the stream', StreamAnswer),
          ...problemResponses(400, 401, 403, 409, 503),
        },
      },
    },
    async (request, reply): Promise<Static<typeof StreamAnswer>> => {
      const stream = await createStream(
        readReceiver(request),
        propertiesOf(request.body),
        byServiceKey(readReceiver(request), clientInfoOf(request)),
      );
      reply.code(201);
      return toStream(stream, issuer);
    },
  );
}

function readRoute(
  scope: App,
  { findStream, listStreams, issuer }: StreamOptions,
  readReceiver: ReadReceiver,
): void {
  scope.get(
    STREAMS,
    {
      schema: {
        ...signalSchema,
        operationId: 'readStreams',
        summary: 'Get a stream, or all streams of this service key',
        querystring: Type.Object({ stream_id: Type.Optional(StreamId) }),
        response: {
          200: jsonAnswer('the stream, or a list of all without `stream_id`', StreamOrList),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request): Promise<Static<typeof StreamOrList>> => {
      const { stream_id: id } = request.query;
      const owner = readReceiver(request);
      if (id !== undefined) return toStream(await findStream({ owner, id }), issuer);
      return (await listStreams(owner)).map((stream) => toStream(stream, issuer));
    },
  );
}

const changed = {
  200: jsonAnswer('the stream after the change', StreamAnswer),
  ...problemResponses(400, 401, 403, 404, 503),
};

function changeRoutes(
  scope: App,
  { findStream, changeStream, issuer }: StreamOptions,
  readReceiver: ReadReceiver,
): void {
  scope.patch(
    STREAMS,
    {
      schema: {
        ...signalSchema,
        operationId: 'changeStream',
        summary: 'Change properties of a stream',
        description: 'A new `delivery` replaces the former one, with its `authorization_header`.',
        body: StreamChangeBody,
        response: changed,
      },
    },
    (request) => change(request, request.body, updateOf(request.body)),
  );

  scope.put(
    STREAMS,
    {
      schema: {
        ...signalSchema,
        operationId: 'replaceStream',
        summary: 'Replace the properties of a stream',
        description: 'Properties that are absent return to their defaults.',
        body: StreamReplacementBody,
        response: changed,
      },
    },
    (request) => change(request, request.body, propertiesOf(request.body)),
  );

  async function change(
    request: FastifyRequest,
    body: Static<typeof StreamChangeBody>,
    update: StreamUpdate,
  ): Promise<Static<typeof StreamAnswer>> {
    const name = { owner: readReceiver(request), id: body.stream_id };
    const wrong = findContradiction(body, toStream(await findStream(name), issuer));
    if (wrong !== undefined)
      throw new Refusal(
        'invalid_request',
        `The service sets ${wrong}. Leave it out, or send its current value.`,
      );
    return toStream(
      await changeStream(name, update, byServiceKey(readReceiver(request), clientInfoOf(request))),
      issuer,
    );
  }
}

function removeRoute(scope: App, { removeStream }: StreamOptions, readReceiver: ReadReceiver): void {
  scope.delete(
    STREAMS,
    {
      schema: {
        ...signalSchema,
        operationId: 'removeStream',
        summary: 'Remove a stream',
        querystring: StreamQuery,
        response: { 204: Empty, ...problemResponses(400, 401, 403, 404, 503) },
      },
    },
    async (request, reply) => {
      const name = { owner: readReceiver(request), id: request.query.stream_id };
      await removeStream(name, byServiceKey(readReceiver(request), clientInfoOf(request)));
      return reply.code(204).send(null);
    },
  );
}
