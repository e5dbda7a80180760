import { Type } from '@sinclair/typebox';
import type {
  ChangeEmail,
  CheckEmailChangeLink,
  EmailChangeLink,
} from '../../../app/accounts/change-email.ts';
import type { UndoEmailChange, UndoneChange } from '../../../app/accounts/undo-email-change.ts';
import type { App } from '../server/app.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { renderTokenForm } from './form.ts';
import { type Page, paragraph, renderName } from './layout.ts';
import { LinkToken, linkForm, pageResponses } from './mailed-link.ts';
import { pageSchema, type SendPage } from './page.ts';

export interface EmailChangeOptions {
  readonly checkEmailChange: CheckEmailChangeLink;
  readonly changeEmail: ChangeEmail;
  readonly checkEmailUndo: CheckEmailChangeLink;
  readonly undoEmailChange: UndoEmailChange;
}

type Options = EmailChangeOptions & { readonly sendPage: SendPage };

const CHANGE = '/auth/email/change';
const UNDO = '/auth/email/undo';
const responses = (description: string) => pageResponses(description, 400, 403, 409, 503);

/** Each link leads to a page with one button. A GET changes nothing, because mail scanners follow links. */
export function emailChangePages(app: App, options: Options): void {
  changeRoutes(app, options);
  undoRoutes(app, options);
}

function changeRoutes(app: App, { checkEmailChange, changeEmail, sendPage }: Options): void {
  app.get(
    CHANGE,
    {
      schema: {
        ...pageSchema,
        operationId: 'showEmailChange',
        summary:
          'Show the page of a mailed link, with a button that sets the new e-mail address of an account',
        querystring: Type.Object({ token: LinkToken }),
        response: responses('the page'),
      },
    },
    async (request, reply) => {
      const { token } = request.query;
      return sendPage(reply, changePage(token, await checkEmailChange(token)));
    },
  );

  app.post(
    CHANGE,
    {
      schema: {
        ...pageSchema,
        operationId: 'changeEmail',
        summary: 'Give an account its new address by a mailed link',
        body: linkForm('EmailChangeLink'),
        response: responses('a page that confirms it'),
      },
    },
    async (request, reply) => {
      await changeEmail({ ...request.body, client: clientInfoOf(request) });
      return sendPage(reply, CHANGED);
    },
  );
}

function undoRoutes(app: App, { checkEmailUndo, undoEmailChange, sendPage }: Options): void {
  app.get(
    UNDO,
    {
      schema: {
        ...pageSchema,
        operationId: 'showEmailUndo',
        summary:
          'Show the page of a mailed link, with a button that restores the former address of an account',
        querystring: Type.Object({ token: LinkToken }),
        response: responses('the page'),
      },
    },
    async (request, reply) => {
      const { token } = request.query;
      return sendPage(reply, undoPage(token, await checkEmailUndo(token)));
    },
  );

  app.post(
    UNDO,
    {
      schema: {
        ...pageSchema,
        operationId: 'undoEmailChange',
        summary: 'Restore the former address of an account by a mailed link; every session ends',
        body: linkForm('EmailUndoLink'),
        response: responses('a page that confirms it, with a button that mails a link for a new password'),
      },
    },
    async (request, reply) =>
      sendPage(reply, undonePage(await undoEmailChange({ ...request.body, client: clientInfoOf(request) }))),
  );
}

function changePage(token: string, { username, email }: EmailChangeLink): Page {
  return {
    title: 'Is this your account?',
    content: `<p>The button makes ${renderName(email)} the address of the account ${renderName(username)}.</p>
${paragraph('If this is not your account, close this page. Do not press the button.')}${renderTokenForm(CHANGE, token, 'Use this address')}`,
  };
}

const CHANGED: Page = {
  title: 'Your address has changed',
  content: paragraph('Mails about your account now go to this address.'),
};

function undoPage(token: string, { username, email }: EmailChangeLink): Page {
  return {
    title: 'Keep this address?',
    content: `<p>The button makes ${renderName(email)} the address of the account ${renderName(username)} again. It also ends all sessions of the account.</p>
${renderTokenForm(UNDO, token, 'Keep this address')}`,
  };
}

function undonePage({ username, email, resetToken }: UndoneChange): Page {
  return {
    title: 'Your address is kept',
    content: `<p>The account ${renderName(username)} has the address ${renderName(email)}. All its sessions have ended.</p>
${paragraph('Another person may know your password. Set a new one now. We mail you a link for that.')}${renderTokenForm('/auth/not-me/password', resetToken, 'Mail me a link')}`,
  };
}
