import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FindPageSession, PageSession } from '../../../../app/account-pages/find-page-session.ts';
import type { FinishSignIn, SignInToPage } from '../../../../app/account-pages/sign-in.ts';
import type { StepUpPageSession } from '../../../../app/account-pages/step-up-page.ts';
import type { BeginPasskeyLogin } from '../../../../app/accounts/begin-passkey-login.ts';
import type { ChangePassword } from '../../../../app/accounts/change-password.ts';
import type { DescribeMe } from '../../../../app/accounts/describe-me.ts';
import type { MailOwnVerification } from '../../../../app/accounts/mail-own-verification.ts';
import type { MailPasswordReset } from '../../../../app/accounts/mail-password-reset.ts';
import type { MailVerification } from '../../../../app/accounts/mail-verification.ts';
import type { RequestEmailChange } from '../../../../app/accounts/request-email-change.ts';
import type { ListActivity } from '../../../../app/audit/list-activity.ts';
import type { AddPasskey } from '../../../../app/factors/add-passkey.ts';
import type { AddTotp } from '../../../../app/factors/add-totp.ts';
import type { BeginPasskey } from '../../../../app/factors/begin-passkey.ts';
import type { ConfirmTotp } from '../../../../app/factors/confirm-totp.ts';
import type { ListFactors } from '../../../../app/factors/list-factors.ts';
import type { MakeRecoveryCodes } from '../../../../app/factors/make-recovery-codes.ts';
import type { RemoveFactor } from '../../../../app/factors/remove-factor.ts';
import type { EndSession, EndSessions } from '../../../../app/sessions/end-session.ts';
import type { ListSessions } from '../../../../app/sessions/list-sessions.ts';
import type { EmailVerification } from '../../../../domain/email-address.ts';
import type { PageCookie } from '../../server/page-cookie.ts';
import type { SendPage } from '../page.ts';

export interface AccountPageOptions {
  readonly signInToPage: SignInToPage;
  readonly finishSignIn: FinishSignIn;
  readonly stepUpPageSession: StepUpPageSession;
  readonly beginStepUp: BeginPasskeyLogin;
  readonly listFactors: ListFactors;
  readonly addTotp: AddTotp;
  readonly confirmTotp: ConfirmTotp;
  readonly beginPasskey: BeginPasskey;
  readonly addPasskey: AddPasskey;
  readonly makeRecoveryCodes: MakeRecoveryCodes;
  readonly removeFactor: RemoveFactor;
  readonly mailPasswordReset: MailPasswordReset;
  readonly mailVerification: MailVerification;
  readonly mailOwnVerification: MailOwnVerification;
  readonly findPageSession: FindPageSession;
  readonly describeMe: DescribeMe;
  readonly listSessions: ListSessions;
  readonly listActivity: ListActivity;
  readonly endSession: EndSession;
  readonly endSessions: EndSessions;
  readonly changePassword: ChangePassword;
  readonly requestEmailChange: RequestEmailChange;
  readonly publicUrl: string | null;
  readonly serviceName: string;
  /** Whether the service sends mails. Without mails, the pages offer no link for a new password or a new address. */
  readonly sendsMails: boolean;
  readonly emailVerification: EmailVerification;
}

/** What the routes of the account pages share. */
export interface AccountPageContext extends AccountPageOptions {
  readonly sendPage: SendPage;
  readonly cookie: PageCookie;
  /** The live session of a request; null if it has none. */
  findSession(request: FastifyRequest): Promise<PageSession | null>;
}

/** Whether users with an unconfirmed address can get another link on their account page. */
export function mailsVerification({
  sendsMails,
  emailVerification,
}: Pick<AccountPageOptions, 'sendsMails' | 'emailVerification'>): boolean {
  return sendsMails && emailVerification !== 'off';
}

/** Redirects after a form. A reload of the next page then does not send the form again. */
export function redirectToAccount(reply: FastifyReply): FastifyReply {
  return reply.redirect('/account', 303);
}

export function redirectToFactors(reply: FastifyReply): FastifyReply {
  return reply.redirect('/account/factors', 303);
}
