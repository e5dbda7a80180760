import { type Static, Type } from '@sinclair/typebox';
import { encodeQR } from 'qr';
import type { AddTotp } from '../../../app/factors/add-totp.ts';
import type { ConfirmTotp } from '../../../app/factors/confirm-totp.ts';
import type { ListedFactors, ListFactors } from '../../../app/factors/list-factors.ts';
import type { MakeRecoveryCodes } from '../../../app/factors/make-recovery-codes.ts';
import type { RemoveFactor } from '../../../app/factors/remove-factor.ts';
import type { RenameFactor } from '../../../app/factors/rename-factor.ts';
import { MAX_FACTORS, RECOVERY_CODES } from '../../../domain/second-factor.ts';
import type { App } from '../server/app.ts';
import { principalOf } from '../server/authenticate.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { examples } from '../server/examples.ts';
import { closed, count, longText, oneOf } from '../server/field-schemas.ts';
import {
  BODY_IS_OPTIONAL,
  Empty,
  idOf,
  jsonAnswer,
  problemResponses,
  Text,
  Time,
  Uuid,
} from '../server/schemas.ts';

export interface FactorsOptions {
  readonly listFactors: ListFactors;
  readonly addTotp: AddTotp;
  readonly confirmTotp: ConfirmTotp;
  readonly makeRecoveryCodes: MakeRecoveryCodes;
  readonly renameFactor: RenameFactor;
  readonly removeFactor: RemoveFactor;
}

/** A code of an authenticator app. */
export const TotpCode = Type.String({ pattern: '^[0-9]{6}$', maxLength: 6, description: 'six digits' });

const schema = { tags: ['second factors'], security: [{ bearer: [] }] };
const Params = Type.Object({ id: idOf('factor') });
/** The user's name for a factor. */
export const Label = Type.String({
  maxLength: 128,
  description: "the user's name for the factor, 1 to 64 characters",
});
const password = Type.Optional(
  Type.String({
    ...Text,
    description: 'counts as an authentication if the account has no second factor yet',
  }),
);
/** What a change of factors requires, for the descriptions of its routes. */
export const FACTOR_CHANGE_REQUIREMENT =
  'Requires an authentication within `STEP_UP_MAX_AGE`, by a second factor if the account has one. In a session that added ' +
  'a factor, an authentication without the second factor is enough. An account without a second factor can send its password instead.';

export const FactorList = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          id: Uuid,
          kind: oneOf(['totp', 'passkey']),
          label: Label,
          createdAt: Time,
          lastUsedAt: Type.Optional(Time),
        },
        { ...closed, title: 'Factor' },
      ),
      { maxItems: MAX_FACTORS },
    ),
    recoveryCodes: count({ description: 'the number of unused recovery codes' }),
  },
  {
    ...closed,
    title: 'FactorList',
    examples: [
      {
        items: [{ id: examples.factor, kind: 'totp', label: 'Phone', createdAt: examples.time }],
        recoveryCodes: 10,
      },
    ],
  },
);
const NewTotp = Type.Object(
  { label: Type.Optional(Label), password },
  { ...closed, title: 'NewTotp', examples: [{ label: 'Phone' }] },
);
const TotpSecret = Type.Object(
  {
    id: Uuid,
    uri: longText({ description: 'the secret for an authenticator app; it is never shown again' }),
    qr: longText({ description: 'the URI as a QR code, an SVG image' }),
  },
  {
    ...closed,
    title: 'TotpSecret',
    examples: [
      {
        id: examples.factor,
        uri: 'otpauth://totp/auth.example.com:ann?issuer=auth.example.com…',
        qr: '<svg…',
      },
    ],
  },
);
const Confirmation = Type.Object(
  { code: TotpCode },
  { ...closed, title: 'TotpConfirmation', examples: [{ code: '287082' }] },
);
/** The body of a change of factors that has no member except the password. */
export const FactorAuthorization = Type.Object(
  { password },
  { ...closed, title: 'FactorAuthorization', examples: [{}] },
);
const Codes = Type.Object(
  {
    codes: Type.Array(Type.String({ maxLength: 40 }), { maxItems: RECOVERY_CODES }),
  },
  { ...closed, title: 'RecoveryCodes', examples: [{ codes: ['7K2MQD-…', '0X9RWT-…'] }] },
);
const NewLabel = Type.Object(
  { label: Label },
  { ...closed, title: 'FactorLabel', examples: [{ label: 'Phone' }] },
);

/** Routes of the user's second factors. Must be registered in a scope that requires a bearer token. */
export function factorRoutes(app: App, options: FactorsOptions): void {
  listRoute(app, options);
  totpRoutes(app, options);
  recoveryCodesRoute(app, options);
  factorRoute(app, options);
}

function listRoute(app: App, { listFactors }: FactorsOptions): void {
  app.get(
    '/auth/factors',
    {
      schema: {
        ...schema,
        operationId: 'listFactors',
        summary: 'List the second factors of the user',
        response: {
          200: jsonAnswer('the factors, oldest first', FactorList),
          ...problemResponses(401, 404, 503),
        },
      },
    },
    async (request) => {
      return toFactorList(await listFactors(principalOf(request).userId));
    },
  );
}

export function toFactorList({ factors, recoveryCodes }: ListedFactors): Static<typeof FactorList> {
  const items = factors.map(({ id, kind, label, createdAt, lastUsedAt }) => ({
    id,
    kind,
    label,
    createdAt: new Date(createdAt).toISOString(),
    ...(lastUsedAt !== null && { lastUsedAt: new Date(lastUsedAt).toISOString() }),
  }));
  return { items, recoveryCodes };
}

function totpRoutes(app: App, { addTotp, confirmTotp }: FactorsOptions): void {
  app.post(
    '/auth/factors/totp',
    {
      schema: {
        ...schema,
        operationId: 'addTotp',
        [BODY_IS_OPTIONAL]: true,
        summary: 'Begin to add an authenticator app',
        description: `${FACTOR_CHANGE_REQUIREMENT} The mail address of the account must be confirmed, unless \`EMAIL_VERIFICATION\` is off. The factor is in use once its first code is confirmed, within an hour.`,
        body: NewTotp,
        response: {
          200: jsonAnswer('the secret for the app', TotpSecret),
          ...problemResponses(400, 401, 403, 404, 409, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const { label = 'Authenticator app', password } = request.body;
      const input = { ...principalOf(request), label, password, client: clientInfoOf(request) };
      const { id, uri } = await addTotp(input);
      return reply.send({ id, uri, qr: encodeQR(uri, 'svg') });
    },
  );

  app.post(
    '/auth/factors/totp/:id/confirm',
    {
      schema: {
        ...schema,
        operationId: 'confirmTotp',
        summary: 'Put an authenticator app into use by its first code',
        params: Params,
        body: Confirmation,
        response: { 204: Empty, ...problemResponses(400, 401, 404, 503) },
      },
    },
    async (request, reply) => {
      const { userId, sessionId } = principalOf(request);
      const id = request.params.id.toLowerCase();
      await confirmTotp({ userId, sessionId, id, ...request.body, client: clientInfoOf(request) });
      return reply.code(204).send(null);
    },
  );
}

function recoveryCodesRoute(app: App, { makeRecoveryCodes }: FactorsOptions): void {
  app.post(
    '/auth/factors/recovery-codes',
    {
      schema: {
        ...schema,
        operationId: 'makeRecoveryCodes',
        [BODY_IS_OPTIONAL]: true,
        summary: 'Make new recovery codes in place of the earlier ones',
        description: `${FACTOR_CHANGE_REQUIREMENT} Each code replaces a second factor once. The codes are never shown again.`,
        body: FactorAuthorization,
        response: { 200: jsonAnswer('the codes', Codes), ...problemResponses(400, 401, 404, 409, 429, 503) },
      },
    },
    async (request, reply) => {
      const input = { ...principalOf(request), ...request.body, client: clientInfoOf(request) };
      const codes = [...(await makeRecoveryCodes(input))];
      return reply.send({ codes });
    },
  );
}

function factorRoute(app: App, { renameFactor, removeFactor }: FactorsOptions): void {
  app.patch(
    '/auth/factors/:id',
    {
      schema: {
        ...schema,
        operationId: 'renameFactor',
        summary: 'Change the label of a second factor',
        params: Params,
        body: NewLabel,
        response: { 204: Empty, ...problemResponses(400, 401, 404, 503) },
      },
    },
    async (request, reply) => {
      const { userId } = principalOf(request);
      const client = clientInfoOf(request);
      await renameFactor({ userId, id: request.params.id.toLowerCase(), client, ...request.body });
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/auth/factors/:id',
    {
      schema: {
        ...schema,
        operationId: 'removeFactor',
        [BODY_IS_OPTIONAL]: true,
        summary: 'Remove a second factor; the last one takes the recovery codes with it',
        description: FACTOR_CHANGE_REQUIREMENT,
        params: Params,
        body: FactorAuthorization,
        response: { 204: Empty, ...problemResponses(400, 401, 404, 429, 503) },
      },
    },
    async (request, reply) => {
      const id = request.params.id.toLowerCase();
      await removeFactor({ ...principalOf(request), id, ...request.body, client: clientInfoOf(request) });
      return reply.code(204).send(null);
    },
  );
}
