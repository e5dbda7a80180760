import type { Me } from '../../../../app/accounts/describe-me.ts';
import { named, type Page, paragraph } from '../layout.ts';
import { formOf } from './form.ts';

const BACK = '<p><a href="/account">Back to your account</a></p>';

const currentPassword = (label: string) =>
  ({ label, type: 'password', autocomplete: 'current-password' }) as const;

/** What the user typed into a form that was refused, and why it was refused. */
interface Refused {
  readonly error: string | null;
  readonly typed?: string;
}

export function signInPage({ error, typed = '' }: Refused): Page {
  return {
    title: 'Sign in to your account',
    hasError: error !== null,
    content: formOf({
      action: '/account/sign-in',
      fields: [
        { name: 'username', label: 'Name or address', type: 'text', autocomplete: 'username', value: typed },
        { name: 'password', ...currentPassword('Password') },
      ],
      button: 'Sign in',
      error,
    }),
  };
}

/** The second step of the sign-in. The sealed challenge is not secret from the user who knows the password. */
export function secondStepPage(challenge: string, error: string | null): Page {
  return {
    title: 'Enter your second factor',
    hasError: error !== null,
    content: `${formOf({
      action: '/account/sign-in/second-factor',
      hidden: { challenge },
      fields: [
        {
          name: 'code',
          label: 'Code',
          type: 'text',
          autocomplete: 'one-time-code',
          hint: 'The six digits in your authenticator app, or one of your recovery codes.',
        },
      ],
      button: 'Sign in',
      error,
    })}\n<p><a href="/account">Begin again</a></p>`,
  };
}

/** For accounts whose only second factor is a passkey: a browser asks for it by script, and this page has none. */
export const PASSKEY_ONLY: Page = {
  title: 'Your passkey cannot be used here',
  hasError: true,
  content: `${paragraph(
    'The password is right. The second factor of this account is a passkey, which this page cannot ask for. Use the app ' +
      'in which you log in, or add an authenticator app or recovery codes there.',
  )}<p><a href="/account">Begin again</a></p>`,
};

export function passwordPage({ error }: Refused): Page {
  return {
    title: 'Change your password',
    hasError: error !== null,
    content: `${formOf({
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

/** `asksPassword`: the sign-in is too old to prove that the user is still there. */
export function emailPage(me: Me, asksPassword: boolean, { error, typed = '' }: Refused): Page {
  const { email } = me;
  const password = { name: 'password', ...currentPassword('Password') };
  return {
    title: 'Change your address',
    hasError: error !== null,
    content: `${email === undefined ? '' : `<p>The address of your account is ${named(email)}.</p>\n`}${formOf(
      {
        action: '/account/email',
        fields: [
          {
            name: 'email',
            label: 'New address',
            type: 'email',
            autocomplete: 'email',
            hint: 'We mail a link to it. The address changes when you open the link.',
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
      'We are sending a link to the new address. Your address changes when you open that link. The present address gets ' +
        'a notice with a link that undoes the change.',
    ) + BACK,
};
