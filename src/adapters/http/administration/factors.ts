import { type Static, Type } from '@sinclair/typebox';
import type { RemoveFactors } from '../../../app/administration/remove-factors.ts';
import type { ListFactors } from '../../../app/factors/list-factors.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import { FactorList, toFactorList } from '../canonical/factors.ts';
import type { App } from '../server/app.ts';
import { adminOrigin, operatorSchema } from '../server/operators.ts';
import { Empty, idOf, jsonAnswer, problemResponses } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';

export interface UserFactorsOptions {
  readonly listFactors: ListFactors;
  readonly removeFactors: RemoveFactors;
}

const PATH = '/admin/users/:id/factors';

const params = Type.Object({ id: UserId });
const refusals = problemResponses(400, 401, 403, 404, 503);

/** `/admin/users/{id}/factors`: for users who lost their second factors. */
export function userFactorRoutes(scope: App, options: UserFactorsOptions): void {
  listRoute(scope, options);
  removeAllRoute(scope, options);
  removeOneRoute(scope, options);
}

function listRoute(scope: App, { listFactors }: UserFactorsOptions): void {
  scope.get(
    PATH,
    {
      schema: {
        ...operatorSchema,
        operationId: 'listFactorsOfUser',
        summary: 'List the second factors of a user',
        params,
        response: { 200: jsonAnswer('the factors', FactorList), ...refusals },
      },
    },
    async (request): Promise<Static<typeof FactorList>> =>
      toFactorList(await listFactors(canonicalUserId(request.params.id))),
  );
}

function removeAllRoute(scope: App, { removeFactors }: UserFactorsOptions): void {
  scope.delete(
    PATH,
    {
      schema: {
        ...operatorSchema,
        operationId: 'removeFactorsOfUser',
        summary: 'Remove all second factors of a user',
        description:
          'Also removes the recovery codes. The user gets a mail about each factor. Sessions stay open.',
        params,
        response: { 204: Empty, ...refusals },
      },
    },
    async (request, reply) => {
      await removeFactors(canonicalUserId(request.params.id), null, adminOrigin(request));
      return reply.code(204).send(null);
    },
  );
}

function removeOneRoute(scope: App, { removeFactors }: UserFactorsOptions): void {
  scope.delete(
    `${PATH}/:factorId`,
    {
      schema: {
        ...operatorSchema,
        operationId: 'removeFactorOfUser',
        summary: 'Remove one second factor of a user',
        params: Type.Object({ id: UserId, factorId: idOf('factor') }),
        response: { 204: Empty, ...refusals },
      },
    },
    async (request, reply) => {
      const { id, factorId } = request.params;
      await removeFactors(canonicalUserId(id), factorId.toLowerCase(), adminOrigin(request));
      return reply.code(204).send(null);
    },
  );
}
