import type { Static } from '@sinclair/typebox';
import type { FindStream } from '../../../app/streams/manage-streams.ts';
import type { ChangeStreamStatus } from '../../../app/streams/stream-status.ts';
import type { VerifyStream } from '../../../app/streams/verify-stream.ts';
import { byServiceKey } from '../../../domain/audit.ts';
import type { App } from '../server/app.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { Empty, jsonAnswer, problemResponses } from '../server/schemas.ts';
import { StatusAnswer, StatusBody, StreamQuery, toStatus, VerificationBody } from './schemas.ts';
import { type ReadReceiver, signalSchema } from './streams.ts';

export interface StatusOptions {
  readonly findStream: FindStream;
  readonly changeStreamStatus: ChangeStreamStatus;
  readonly verifyStream: VerifyStream;
}

export const STATUS = '/signals/status';
export const VERIFICATION = '/signals/verification';

/** The status endpoint and the verification endpoint of SSF 1.0 (sections 8.1.2 and 8.1.4). */
export function statusRoutes(scope: App, options: StatusOptions, readReceiver: ReadReceiver): void {
  getStatusRoute(scope, options, readReceiver);
  changeStatusRoute(scope, options, readReceiver);
  verificationRoute(scope, options, readReceiver);
}

function getStatusRoute(scope: App, { findStream }: StatusOptions, readReceiver: ReadReceiver): void {
  scope.get(
    STATUS,
    {
      schema: {
        ...signalSchema,
        operationId: 'readStreamStatus',
        summary: 'Get the status of a stream',
        querystring: StreamQuery,
        response: {
          200: jsonAnswer('the status', StatusAnswer),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request): Promise<Static<typeof StatusAnswer>> =>
      toStatus(await findStream({ owner: readReceiver(request), id: request.query.stream_id })),
  );
}

function changeStatusRoute(
  scope: App,
  { changeStreamStatus }: StatusOptions,
  readReceiver: ReadReceiver,
): void {
  scope.post(
    STATUS,
    {
      schema: {
        ...signalSchema,
        operationId: 'changeStreamStatus',
        summary: 'Enable, pause or disable a stream',
        body: StatusBody,
        response: {
          200: jsonAnswer('the status', StatusAnswer),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request): Promise<Static<typeof StatusAnswer>> => {
      const { stream_id: id, status, reason = null } = request.body;
      return toStatus(
        await changeStreamStatus(
          { owner: readReceiver(request), id },
          { status, reason },
          byServiceKey(readReceiver(request), clientInfoOf(request)),
        ),
      );
    },
  );
}

function verificationRoute(scope: App, { verifyStream }: StatusOptions, readReceiver: ReadReceiver): void {
  scope.post(
    VERIFICATION,
    {
      schema: {
        ...signalSchema,
        operationId: 'verifyStream',
        summary: 'Send a verification event over a stream',
        body: VerificationBody,
        response: { 204: Empty, ...problemResponses(400, 401, 403, 404, 409, 429, 503) },
      },
    },
    async (request, reply) => {
      const { stream_id: id, state = null } = request.body;
      await verifyStream({ owner: readReceiver(request), id }, state);
      return reply.code(204).send(null);
    },
  );
}
