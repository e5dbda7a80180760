import { changePassword } from '../app/accounts/change-password.ts';
import { deleteAccount } from '../app/accounts/delete-account.ts';
import { describeMe } from '../app/accounts/describe-me.ts';
import { forgotPassword } from '../app/accounts/forgot-password.ts';
import { logInWithPassword } from '../app/accounts/log-in-with-password.ts';
import { register } from '../app/accounts/register.ts';
import { checkResetLink, resetPassword } from '../app/accounts/reset-password.ts';
import { authenticate } from '../app/sessions/authenticate.ts';
import { endByLink, readNotMeLink } from '../app/sessions/end-by-link.ts';
import { endSession, endSessions } from '../app/sessions/end-session.ts';
import { endSessionAsOperator } from '../app/sessions/end-session-as-operator.ts';
import { listSessions } from '../app/sessions/list-sessions.ts';
import { identifyByRefreshToken, logOut } from '../app/sessions/log-out.ts';
import { openSession } from '../app/sessions/open-session.ts';
import { refresh } from '../app/sessions/refresh.ts';
import type { Policy } from '../domain/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { NewId } from '../ports/new-id.ts';
import type { RevokedFamilies } from '../ports/revoked-families.ts';
import type { IsCommonPassword } from '../ports/security/common-passwords.ts';
import type { LinkSecrets } from '../ports/security/link-secrets.ts';
import type { PasswordHasher } from '../ports/security/password-hasher.ts';
import type { TokenCodec } from '../ports/security/token-codec.ts';
import type { TokenSecrets } from '../ports/security/token-secrets.ts';
import type { Attempts } from '../ports/stores/attempts.ts';
import type { TokenFamilies } from '../ports/stores/token-families.ts';
import type { Users } from '../ports/stores/users.ts';

/** Everything that the use cases ask of the outside. */
export interface UseCaseDeps {
  readonly families: TokenFamilies;
  readonly users: Users;
  readonly attempts: Attempts;
  readonly revoked: RevokedFamilies;
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly links: LinkSecrets;
  readonly passwords: PasswordHasher;
  readonly isCommonPassword: IsCommonPassword;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
}

/** The use cases that clients can ask for, under the names by which the HTTP side knows them. */
export function useCases(deps: UseCaseDeps) {
  return {
    openSession: openSession(deps),
    refresh: refresh(deps),
    authenticate: authenticate(deps),
    listSessions: listSessions(deps),
    endSession: endSession(deps),
    endSessions: endSessions(deps),
    endSessionAsOperator: endSessionAsOperator(deps),
    logOut: logOut(deps),
    identifyByRefreshToken: identifyByRefreshToken(deps),
    readNotMeLink: readNotMeLink(deps),
    endByLink: endByLink(deps),

    register: register(deps),
    logInWithPassword: logInWithPassword(deps),
    describeMe: describeMe(deps),
    changePassword: changePassword(deps),
    forgotPassword: forgotPassword(deps),
    checkResetLink: checkResetLink(deps),
    resetPassword: resetPassword(deps),
    deleteAccount: deleteAccount(deps),
  };
}
