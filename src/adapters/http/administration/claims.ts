import { type Static, Type } from '@sinclair/typebox';
import type { ChangeSession } from '../../../app/administration/change-session.ts';
import type { FindUserState } from '../../../app/administration/find-user-state.ts';
import type { SetClaims } from '../../../app/administration/set-claims.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import { ClaimsObject, DeviceName } from '../canonical/claims-schemas.ts';
import { OperatorsSession, toOperatorsSession } from '../canonical/session-item.ts';
import type { App } from '../server/app.ts';
import { closed } from '../server/field-schemas.ts';
import { adminOrigin, operatorSchema } from '../server/operators.ts';
import { Empty, idOf, jsonAnswer, problemResponses } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';

export interface ClaimsOptions {
  readonly setClaims: SetClaims;
  readonly changeSession: ChangeSession;
  readonly findUserState: FindUserState;
}

const PATH = '/admin/users/:id/claims';

const userSchema = { ...operatorSchema, params: Type.Object({ id: UserId }) };
const refusals = problemResponses(400, 401, 403, 503);

const example = { claims: { plan: 'paid', team: { id: 7, name: 'red' } } };

const NewClaims = Type.Object(
  { claims: ClaimsObject },
  { ...closed, title: 'NewUserClaims', examples: [example] },
);

const UserClaims = Type.Object(NewClaims.properties, { ...closed, title: 'UserClaims', examples: [example] });

/** `/admin/users/{id}/claims`: the claims that an operator gives to a user id. `PUT` is idempotent. */
export function claimsRoutes(scope: App, { setClaims, findUserState }: ClaimsOptions): void {
  scope.get(
    PATH,
    {
      schema: {
        ...userSchema,
        operationId: 'getClaims',
        summary: 'Get the claims of a user',
        response: { 200: jsonAnswer('the claims of the user', UserClaims), ...refusals },
      },
    },
    async (request): Promise<Static<typeof UserClaims>> => {
      const { claims } = await findUserState(canonicalUserId(request.params.id));
      return { claims };
    },
  );

  scope.put(
    PATH,
    {
      schema: {
        ...userSchema,
        operationId: 'setClaims',
        summary: 'Replace the claims of a user',
        description:
          'Access tokens carry the claims from the next login or refresh on. At most 1,024 bytes of JSON, nested three levels deep, ' +
          'and without a name that the service itself sets. The user needs no account here.',
        body: NewClaims,
        response: { 204: Empty, ...refusals },
      },
    },
    async (request, reply) => {
      await setClaims(canonicalUserId(request.params.id), request.body.claims, adminOrigin(request));
      return reply.code(204).send(null);
    },
  );
}

const SessionChanges = Type.Object(
  {
    claims: Type.Optional(ClaimsObject),
    deviceName: Type.Optional(Type.Union([DeviceName, Type.Null()])),
  },
  {
    ...closed,
    title: 'SessionChanges',
    examples: [{ claims: { plan: 'trial' }, deviceName: 'Ann’s phone' }],
  },
);

/** `PATCH /admin/sessions/{id}`: the claims of a session and the name of its device. */
export function changeSessionRoute(scope: App, { changeSession }: ClaimsOptions): void {
  scope.patch(
    '/admin/sessions/:id',
    {
      schema: {
        ...operatorSchema,
        operationId: 'changeSession',
        params: Type.Object({ id: idOf('session') }),
        summary: 'Change the claims of a session, or the name of its device',
        description:
          'The claims of the session override those of its user, from the next refresh on. At most 512 bytes of JSON.',
        body: SessionChanges,
        response: {
          200: jsonAnswer('the changed session', OperatorsSession),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request): Promise<Static<typeof OperatorsSession>> => {
      const { claims: sessionClaims, deviceName } = request.body;
      const changes = {
        ...(deviceName !== undefined && { deviceName }),
        ...(sessionClaims !== undefined && { sessionClaims }),
      };
      const changed = await changeSession(request.params.id.toLowerCase(), changes, adminOrigin(request));
      if (changed === null) throw new Refusal('not_found');
      return toOperatorsSession(changed);
    },
  );
}
