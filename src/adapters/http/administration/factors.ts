import { type Static, Type } from '@sinclair/typebox';
import type { RemoveFactors } from '../../../app/administration/remove-factors.ts';
import type { ListFactors } from '../../../app/factors/list-factors.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import { FactorList, factorList } from '../canonical/factors.ts';
import type { App } from '../server/app.ts';
import { adminOrigin } from '../server/operators.ts';
import { answer, Empty, problems, Uuid } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';

export interface UserFactorsOptions {
  readonly listFactors: ListFactors;
  readonly removeFactors: RemoveFactors;
}

const PATH = '/admin/users/:id/factors';

/** `/admin/users/{id}/factors`: for users who lost their second factors. */
export function userFactorRoutes(scope: App, { listFactors, removeFactors }: UserFactorsOptions): void {
  const common = { tags: ['operations'], security: [{ serviceKey: [] }] };
  const params = Type.Object({ id: UserId });
  const refusals = problems(400, 401, 403, 404, 503);

  scope.get(
    PATH,
    {
      schema: {
        ...common,
        operationId: 'listFactorsOfUser',
        summary: 'List the second factors of a user',
        params,
        response: { 200: answer('the factors', FactorList), ...refusals },
      },
    },
    async (request): Promise<Static<typeof FactorList>> =>
      factorList(await listFactors(canonicalUserId(request.params.id))),
  );

  scope.delete(
    PATH,
    {
      schema: {
        ...common,
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

  scope.delete(
    `${PATH}/:factorId`,
    {
      schema: {
        ...common,
        operationId: 'removeFactorOfUser',
        summary: 'Remove one second factor of a user',
        params: Type.Object({ id: UserId, factorId: Uuid }),
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
