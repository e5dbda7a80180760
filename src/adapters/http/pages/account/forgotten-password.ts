import { Type } from '@sinclair/typebox';
import { readMailAddress } from '../../../../app/accounts/read-mail-address.ts';
import { Refusal } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { prepareRefusal } from '../../server/problem-answers.ts';
import { Text } from '../../server/schemas.ts';
import type { AccountPageContext } from './context.ts';
import { describeRefusal } from './describe-refusal.ts';
import { forgottenPasswordPage, RESET_MAILED } from './views.ts';

const Form = Type.Object({ email: Text }, { additionalProperties: false });

/** The form for a forgotten password. The answer does not tell whether the address has an account. */
export function forgottenPasswordRoutes(app: App, { mailPasswordReset, sendPage }: AccountPageContext): void {
  const path = '/account/forgotten-password';

  app.get(path, { schema: { hide: true } }, async (_request, reply) =>
    sendPage(reply, forgottenPasswordPage({ error: null })),
  );

  app.post(path, { schema: { hide: true, body: Form } }, async (request, reply) => {
    const { email } = request.body;
    try {
      await mailPasswordReset({ email: readMailAddress(email), client: clientInfoOf(request) });
      return sendPage(reply, RESET_MAILED);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      prepareRefusal(error, request, reply);
      return sendPage(reply, forgottenPasswordPage({ error: describeRefusal(error), typed: email }));
    }
  });
}
