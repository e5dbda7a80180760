import type { FastifyRequest } from 'fastify';
import type { FindPageSession, PageSession } from '../../../../app/account-pages/find-page-session.ts';
import type { FinishSignIn, SignInToPage } from '../../../../app/account-pages/sign-in.ts';
import type { ChangePassword } from '../../../../app/accounts/change-password.ts';
import type { DescribeMe } from '../../../../app/accounts/describe-me.ts';
import type { RequestEmailChange } from '../../../../app/accounts/request-email-change.ts';
import type { ListFactors } from '../../../../app/factors/list-factors.ts';
import type { EndSession, EndSessions } from '../../../../app/sessions/end-session.ts';
import type { ListSessions } from '../../../../app/sessions/list-sessions.ts';
import type { SendPage } from '../page.ts';
import type { PageCookie } from './cookie.ts';

export interface AccountPageOptions {
  readonly signInToPage: SignInToPage;
  readonly finishSignIn: FinishSignIn;
  readonly listFactors: ListFactors;
  readonly findPageSession: FindPageSession;
  readonly describeMe: DescribeMe;
  readonly listSessions: ListSessions;
  readonly endSession: EndSession;
  readonly endSessions: EndSessions;
  readonly changePassword: ChangePassword;
  readonly requestEmailChange: RequestEmailChange;
  readonly publicUrl: string | null;
  readonly serviceName: string;
}

/** What the routes of the account pages share. */
export interface AccountPageContext extends AccountPageOptions {
  readonly sendPage: SendPage;
  readonly cookie: PageCookie;
  /** The live session of a request; null if it has none. */
  findSession(request: FastifyRequest): Promise<PageSession | null>;
}
