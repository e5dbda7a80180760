import type { Me } from '../../../../app/accounts/describe-me.ts';
import { escapeHtml } from '../../../../lib/html.ts';
import { CODE_FIELD, renderForm } from '../form.ts';
import { type Page, paragraph, renderName } from '../layout.ts';
import { PASSKEY_SCRIPT, renderPasskeyForm } from './passkey-form.ts';

const BACK = '<p><a href="/account">Back to your account</a></p>';
const BACK_TO_SIGN_IN = '<p><a href="/account">Back to the sign-in</a></p>';

const currentPassword = (label: string) =>
  ({ label, type: 'password', autocomplete: 'current-password' }) as const;

export const FORGOTTEN_PASSWORD = '/account/forgotten-password';
export const UNCONFIRMED_ADDRESS = '/account/unconfirmed-address';
/** The text of links to {@link UNCONFIRMED_ADDRESS}. */
export const MAIL_VERIFICATION = 'Mail me another link to confirm my address';

/** What the user typed into a form that was refused, and why it was refused. */
export interface Refused {
  readonly error: string | null;
  readonly typed?: string;
}

/** What the sign-in page offers to users who cannot sign in. */
interface SignInOffers {
  /** Whether a link for a new password can be mailed. */
  readonly sendsMails: boolean;
  /** Whether the address of the account must be confirmed first. */
  readonly isUnconfirmed?: boolean;
}

export function signInPage(
  { sendsMails, isUnconfirmed = false }: SignInOffers,
  { error, typed = '' }: Refused,
): Page {
  const offers = [
    ...(isUnconfirmed ? [renderOffer(UNCONFIRMED_ADDRESS, MAIL_VERIFICATION)] : []),
    ...(sendsMails ? [renderOffer(FORGOTTEN_PASSWORD, 'I forgot my password')] : []),
  ];
  return {
    title: 'Sign in to your account',
    hasError: error !== null,
    content: `${renderForm({
      action: '/account/sign-in',
      fields: [
        {
          name: 'username',
          label: 'Name or address',
          type: 'text',
          autocomplete: 'username',
          value: typed,
        },
        { name: 'password', ...currentPassword('Password') },
      ],
      button: 'Sign in',
      error,
    })}${offers.map((offer) => `\n${offer}`).join('')}`,
  };
}

export function renderOffer(path: string, text: string): string {
  return `<p><a href="${path}">${text}</a></p>`;
}

/** What the second step of a sign-in asks for. */
interface AskedStep {
  /** The encrypted challenge of the first step. The form sends it back. */
  readonly challenge: string;
  /** The options with which the browser signs with a passkey; absent: the page does not ask for one. */
  readonly publicKey?: object | undefined;
  /** Whether the account has a factor whose code can be typed. */
  readonly canType?: boolean;
}

export function secondStepPage(
  { challenge, publicKey, canType = true }: AskedStep,
  error: string | null,
): Page {
  const action = '/account/sign-in/second-factor';
  const parts = [
    ...(canType ? [codeForm(action, challenge, error)] : renderError(error)),
    ...(publicKey === undefined
      ? []
      : [renderPasskeyForm({ kind: 'get', action, challenge, publicKey, button: 'Use your passkey' })]),
  ];
  return {
    title: 'Enter your second factor',
    hasError: error !== null,
    ...(publicKey !== undefined && { script: PASSKEY_SCRIPT }),
    content: `${parts.join('\n')}\n<p><a href="/account">Begin again</a></p>`,
  };
}

function renderError(error: string | null): readonly string[] {
  return error === null ? [] : [`<p class="error" role="alert">${escapeHtml(error)}</p>`];
}

function codeForm(action: string, challenge: string, error: string | null): string {
  return renderForm({
    action,
    hidden: { challenge },
    fields: [CODE_FIELD],
    button: 'Sign in',
    error,
  });
}

export function passwordPage({ error }: Refused): Page {
  return {
    title: 'Change your password',
    hasError: error !== null,
    content: `${renderForm({
      action: '/account/password',
      fields: [
        { name: 'currentPassword', ...currentPassword('Current password') },
        {
          name: 'newPassword',
          label: 'New password',
          type: 'password',
          autocomplete: 'new-password',
          hint: 'Eight characters or more. All your other sessions end when you set it.',
          minLength: 8,
        },
      ],
      button: 'Change the password',
      error,
    })}\n${BACK}`,
  };
}

export const PASSWORD_CHANGED: Page = {
  title: 'Your password has been changed',
  content: paragraph('All your other sessions have ended. Log in there with the new password.') + BACK,
};

/** `asksPassword`: the last sign-in is too old, so the form asks for the password. */
export function emailPage(me: Me, asksPassword: boolean, { error, typed = '' }: Refused): Page {
  const { email } = me;
  const password = { name: 'password', ...currentPassword('Password') };
  return {
    title: 'Change your address',
    hasError: error !== null,
    content: `${email === undefined ? '' : `<p>The address of your account is ${renderName(email)}.</p>\n`}${renderForm(
      {
        action: '/account/email',
        fields: [
          {
            name: 'email',
            label: 'New address',
            type: 'email',
            autocomplete: 'email',
            hint: 'We mail a link to this address. Your address changes when you open the link and press the button there.',
            value: typed,
          },
          ...(asksPassword ? [password] : []),
        ],
        button: 'Mail me a link',
        error,
      },
    )}\n${BACK}`,
  };
}

export const LINK_MAILED: Page = {
  title: 'Open your mailbox',
  content:
    paragraph(
      'We are sending a link to the new address. Your address changes when you open that link and press the ' +
        'button there. The present address gets a notice. If you have confirmed the present address, the notice has a link that undoes the change.',
    ) + BACK,
};

export function forgottenPasswordPage(refused: Refused): Page {
  return linkFormPage(refused, {
    title: 'Get a new password',
    action: FORGOTTEN_PASSWORD,
    hint: 'We mail a link to this address. The link opens a page where you choose a new password.',
  });
}

export function unconfirmedAddressPage(refused: Refused): Page {
  return linkFormPage(refused, {
    title: 'Confirm your address',
    action: UNCONFIRMED_ADDRESS,
    hint: 'We mail another link to this address. The link opens a page where you confirm the address.',
  });
}

function linkFormPage(
  { error, typed = '' }: Refused,
  { title, action, hint }: { readonly title: string; readonly action: string; readonly hint: string },
): Page {
  const address = {
    name: 'email',
    label: 'Address of your account',
    type: 'email',
    autocomplete: 'email',
  } as const;
  const form = { action, fields: [{ ...address, hint, value: typed }], button: 'Mail me a link', error };
  return { title, hasError: error !== null, content: `${renderForm(form)}\n${BACK_TO_SIGN_IN}` };
}

export const RESET_MAILED: Page = {
  title: 'Open your mailbox',
  content: `${paragraph(
    'If an account has this address, we are sending a link to it. The link is valid for an hour, but only ' +
      'until a new password is set.',
  )}${BACK_TO_SIGN_IN}`,
};

export const VERIFICATION_MAILED: Page = {
  title: 'Open your mailbox',
  content: `${paragraph(
    'If an account has this address, and the address is not confirmed yet, we are sending a link to it. Open the ' +
      'link, then sign in.',
  )}${BACK_TO_SIGN_IN}`,
};
