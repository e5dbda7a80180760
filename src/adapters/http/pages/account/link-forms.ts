import { Type } from '@sinclair/typebox';
import { readMailAddress } from '../../../../app/accounts/read-mail-address.ts';
import type { ClientInfo } from '../../../../domain/client-info.ts';
import { Refusal } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { prepareRefusal } from '../../server/problem-answers.ts';
import { Text } from '../../server/schemas.ts';
import type { Page } from '../layout.ts';
import type { AccountPageContext } from './context.ts';
import { describeRefusal } from './describe-refusal.ts';
import {
  FORGOTTEN_PASSWORD,
  forgottenPasswordPage,
  RESET_MAILED,
  type Refused,
  UNCONFIRMED_ADDRESS,
  unconfirmedAddressPage,
  VERIFICATION_MAILED,
} from './views.ts';

const Form = Type.Object({ email: Text }, { additionalProperties: false });

/** A form for users who are not signed in: it mails a link to the typed address. */
interface LinkForm {
  readonly path: string;
  readonly page: (refused: Refused) => Page;
  readonly mailLink: (input: { email: string; client: ClientInfo }) => Promise<void>;
  readonly mailed: Page;
}

/** The forms for a forgotten password, and for a lost confirmation mail that a sign-in needs. */
export function linkFormRoutes(app: App, context: AccountPageContext): void {
  if (!context.sendsMails) return;
  linkFormRoute(app, context, {
    path: FORGOTTEN_PASSWORD,
    page: forgottenPasswordPage,
    mailLink: context.mailPasswordReset,
    mailed: RESET_MAILED,
  });
  if (context.emailVerification !== 'required') return;
  linkFormRoute(app, context, {
    path: UNCONFIRMED_ADDRESS,
    page: unconfirmedAddressPage,
    mailLink: context.mailVerification,
    mailed: VERIFICATION_MAILED,
  });
}

/** The answer does not tell whether the address has an account. */
function linkFormRoute(app: App, { sendPage }: AccountPageContext, form: LinkForm): void {
  const { path, page, mailLink, mailed } = form;
  app.get(path, { schema: { hide: true } }, async (_request, reply) =>
    sendPage(reply, page({ error: null })),
  );

  app.post(path, { schema: { hide: true, body: Form } }, async (request, reply) => {
    const { email } = request.body;
    try {
      await mailLink({ email: readMailAddress(email), client: clientInfoOf(request) });
      return sendPage(reply, mailed);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      prepareRefusal(error, request, reply);
      return sendPage(reply, page({ error: describeRefusal(error), typed: email }));
    }
  });
}
