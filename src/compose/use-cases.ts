import { type FindPageSession, findPageSession } from '../app/account-pages/find-page-session.ts';
import { finishSignIn, signInToPage } from '../app/account-pages/sign-in.ts';
import { stepUpPageSession } from '../app/account-pages/step-up-page.ts';
import { beginPasskeyLogin, beginStepUp } from '../app/accounts/begin-passkey-login.ts';
import { changeEmail, checkEmailChangeLink } from '../app/accounts/change-email.ts';
import { changePassword } from '../app/accounts/change-password.ts';
import { deleteAccount } from '../app/accounts/delete-account.ts';
import { describeMe } from '../app/accounts/describe-me.ts';
import { logInWithPasskey } from '../app/accounts/log-in-with-passkey.ts';
import { logInWithPassword } from '../app/accounts/log-in-with-password.ts';
import { logInWithSecondFactor } from '../app/accounts/log-in-with-second-factor.ts';
import { mailOwnVerification } from '../app/accounts/mail-own-verification.ts';
import { mailPasswordReset } from '../app/accounts/mail-password-reset.ts';
import { mailVerification } from '../app/accounts/mail-verification.ts';
import { register } from '../app/accounts/register.ts';
import { requestEmailChange } from '../app/accounts/request-email-change.ts';
import { checkResetLink, resetPassword } from '../app/accounts/reset-password.ts';
import { undoEmailChange } from '../app/accounts/undo-email-change.ts';
import { checkVerificationLink, verifyEmail } from '../app/accounts/verify-email.ts';
import { type VerifyIdentityProof, verifyIdentityProof } from '../app/accounts/verify-identity-proof.ts';
import { changeSession } from '../app/administration/change-session.ts';
import { changeUser } from '../app/administration/change-user.ts';
import { createUser } from '../app/administration/create-user.ts';
import { deleteUser } from '../app/administration/delete-user.ts';
import { disableUser } from '../app/administration/disable-user.ts';
import { enableUser } from '../app/administration/enable-user.ts';
import { findSessions } from '../app/administration/find-sessions.ts';
import { findUserState } from '../app/administration/find-user-state.ts';
import { findAccount, listAccounts } from '../app/administration/list-accounts.ts';
import { removeFactors } from '../app/administration/remove-factors.ts';
import { setClaims } from '../app/administration/set-claims.ts';
import { listActivity } from '../app/audit/list-activity.ts';
import { listSessionEvents } from '../app/audit/list-session-events.ts';
import { listAuditEvents, streamAuditEvents } from '../app/audit/read-audit-log.ts';
import { addPasskey } from '../app/factors/add-passkey.ts';
import { addTotp } from '../app/factors/add-totp.ts';
import { beginPasskey } from '../app/factors/begin-passkey.ts';
import { confirmTotp } from '../app/factors/confirm-totp.ts';
import { listFactors } from '../app/factors/list-factors.ts';
import { makeRecoveryCodes } from '../app/factors/make-recovery-codes.ts';
import { removeFactor } from '../app/factors/remove-factor.ts';
import { renameFactor } from '../app/factors/rename-factor.ts';
import { limitRequests } from '../app/limit-requests.ts';
import { admitOperator } from '../app/operators/admit-operator.ts';
import { findOperator } from '../app/operators/find-operator.ts';
import { followRevocations } from '../app/revocation/follow-revocations.ts';
import { authenticate } from '../app/sessions/authenticate.ts';
import { endSessionsByLink, mailPasswordResetByLink, readNotMeLink } from '../app/sessions/end-by-link.ts';
import { endSession, endSessions } from '../app/sessions/end-session.ts';
import { endSessionAsOperator } from '../app/sessions/end-session-as-operator.ts';
import { introspect } from '../app/sessions/introspect.ts';
import { listSessions } from '../app/sessions/list-sessions.ts';
import { logOut, logOutByRefreshToken } from '../app/sessions/log-out.ts';
import { type AdmitUser, openSession } from '../app/sessions/open-session.ts';
import { refresh } from '../app/sessions/refresh.ts';
import { revokeToken } from '../app/sessions/revoke-token.ts';
import { stepUp } from '../app/sessions/step-up.ts';
import { createStream } from '../app/streams/create-stream.ts';
import { changeStream, findStream, listStreams, removeStream } from '../app/streams/manage-streams.ts';
import { changeStreamStatus } from '../app/streams/stream-status.ts';
import { verifyStream } from '../app/streams/verify-stream.ts';
import { changeTask } from '../app/tasks/change-task.ts';
import { createTask } from '../app/tasks/create-task.ts';
import { deleteTask } from '../app/tasks/delete-task.ts';
import { describeUser } from '../app/tasks/describe-user.ts';
import { findTask } from '../app/tasks/find-task.ts';
import { listTasks } from '../app/tasks/list-tasks.ts';
import { listUsers } from '../app/tasks/list-users.ts';
import { addEndpoint } from '../app/webhooks/add-endpoint.ts';
import type { EndpointDeps } from '../app/webhooks/endpoint-deps.ts';
import { listDeliveries, sendDeliveryAgain, sendPeriodAgain } from '../app/webhooks/inspect-deliveries.ts';
import {
  changeEndpoint,
  findEndpoint,
  listEndpoints,
  removeEndpoint,
  rotateEndpointSecret,
} from '../app/webhooks/manage-endpoints.ts';
import { withTelemetry } from '../app/with-telemetry.ts';
import { pagePolicy } from '../domain/account-page.ts';
import type { EmailVerification } from '../domain/email-address.ts';
import type { Limits } from '../domain/limits.ts';
import type { Policy } from '../domain/policy.ts';
import type { Cache } from '../ports/cache.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeferWork } from '../ports/defer-work.ts';
import type { Log } from '../ports/log.ts';
import type { NewId } from '../ports/new-id.ts';
import type { FollowedRevokedFamilies, RevokedFamilies } from '../ports/revoked-families.ts';
import type { DataSealer } from '../ports/security/data-sealer.ts';
import type { DpopNonces, DpopProofs } from '../ports/security/dpop.ts';
import type { LinkSecrets } from '../ports/security/link-secrets.ts';
import type { ChallengeSealer } from '../ports/security/login-challenges.ts';
import type { PageSecrets } from '../ports/security/page-secrets.ts';
import type { Passkeys } from '../ports/security/passkeys.ts';
import type { PasswordHasher } from '../ports/security/password-hasher.ts';
import type { IsBreachedPassword, IsCommonPassword } from '../ports/security/password-lists.ts';
import type { RecoveryCodes } from '../ports/security/recovery-codes.ts';
import type { TokenCodec } from '../ports/security/token-codec.ts';
import type { TokenSecrets } from '../ports/security/token-secrets.ts';
import type { Totp } from '../ports/security/totp.ts';
import type { SecurityLog } from '../ports/security-log.ts';
import type { AccountPageSessions } from '../ports/stores/account-page-sessions.ts';
import type { Attempts } from '../ports/stores/attempts.ts';
import type { AuditLog } from '../ports/stores/audit-log.ts';
import type { EmailChanges } from '../ports/stores/email-changes.ts';
import type { EmailLinks } from '../ports/stores/email-links.ts';
import type { SecondFactors } from '../ports/stores/second-factors.ts';
import type { Tasks } from '../ports/stores/tasks.ts';
import type { TokenFamilies } from '../ports/stores/token-families.ts';
import type { UsedDpopProofs } from '../ports/stores/used-dpop-proofs.ts';
import type { UserDirectory } from '../ports/stores/user-directory.ts';
import type { UserStates } from '../ports/stores/user-states.ts';
import type { Users } from '../ports/stores/users.ts';
import type { Fault, Telemetry } from '../ports/telemetry.ts';

/** The ports and settings that the use cases need. */
export interface UseCaseDeps extends EndpointDeps {
  readonly families: TokenFamilies;
  readonly accountPageSessions: AccountPageSessions;
  readonly auditLog: AuditLog;
  readonly users: Users;
  readonly emailLinks: EmailLinks;
  readonly emailChanges: EmailChanges;
  readonly userDirectory: UserDirectory;
  readonly userStates: UserStates;
  readonly secondFactors: SecondFactors;
  readonly tasks: Tasks;
  readonly attempts: Attempts;
  /** Counts by `PROOF_ATTEMPT_POLICY`. */
  readonly proofAttempts: Attempts;
  readonly cache: Cache;
  readonly revoked: RevokedFamilies & FollowedRevokedFamilies;
  readonly codec: TokenCodec;
  readonly proofs: DpopProofs;
  readonly usedProofs: UsedDpopProofs;
  readonly nonces: DpopNonces | null;
  readonly secrets: TokenSecrets;
  readonly links: LinkSecrets;
  readonly pageSecrets: PageSecrets;
  readonly passwords: PasswordHasher;
  readonly isCommonPassword: IsCommonPassword;
  readonly isBreachedPassword: IsBreachedPassword;
  readonly serviceName: string;
  readonly sendsMails: boolean;
  readonly totp: Totp;
  readonly sealer: DataSealer;
  readonly recoveryCodes: RecoveryCodes;
  readonly challenges: ChallengeSealer;
  readonly passkeys: Passkeys;
  readonly legacyDoorsSkipSecondFactor: boolean;
  /** Whether operators of the console must sign in with a second factor. */
  readonly operatorsNeedSecondFactor: boolean;
  readonly policy: Policy;
  readonly limits: Limits;
  readonly emailVerification: EmailVerification;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly deferWork: DeferWork;
  readonly log: Log;
  readonly securityLog: SecurityLog;
  readonly telemetry: Telemetry;
}

/** Builds the use cases, under the names that the HTTP adapter uses. */
export function createUseCases(deps: UseCaseDeps) {
  const reports = createReports(deps.telemetry);
  const verifyProof = verifyIdentityProof(deps);
  const sessions = createSessionUseCases(deps, verifyProof, reports);
  const accountPages = createAccountPageUseCases(deps, verifyProof, reports);
  return {
    ...sessions,
    ...createAccountUseCases(deps, reports),
    ...createFactorUseCases(deps),
    ...createMailLinkUseCases(deps),
    ...accountPages,
    ...createOperatorUseCases(deps, accountPages, reports),
    ...createWebhookUseCases(deps),
    ...createStreamUseCases(deps),
    ...createTaskUseCases(deps),
  };
}

type Reports = ReturnType<typeof createReports>;

/** Creates the functions that report the end of a use case to telemetry. */
function createReports({ loginEnded, registrationEnded, refreshRefused }: Telemetry) {
  return {
    loginEnded,
    registrationEnded,
    /** A login that continues with its second step has not ended. */
    firstStepEnded: (fault: Fault | null) => fault !== 'second_factor_required' && loginEnded(fault),
    /** The use case itself counts the refreshes that return a pair. */
    refreshEnded: (fault: Fault | null) => fault !== null && refreshRefused(fault),
  };
}

function createSessionUseCases(
  deps: UseCaseDeps,
  verifyProof: VerifyIdentityProof,
  { loginEnded, refreshEnded }: Reports,
) {
  return {
    openSession: withTelemetry(openSession(deps), loginEnded),
    refresh: withTelemetry(refresh(deps), refreshEnded),
    beginStepUp: beginStepUp(deps),
    stepUp: withTelemetry(stepUp({ ...deps, verifyProof }), refreshEnded),
    authenticate: authenticate(deps),
    listSessions: listSessions(deps),
    listActivity: listActivity(deps),
    endSession: endSession(deps),
    endSessions: endSessions(deps),
    logOut: logOut(deps),
    logOutByRefreshToken: logOutByRefreshToken(deps),
    revokeToken: revokeToken(deps),
    introspect: introspect(deps),
    followRevocations: followRevocations(deps),
  };
}

function createAccountUseCases(
  deps: UseCaseDeps,
  { loginEnded, firstStepEnded, registrationEnded }: Reports,
) {
  return {
    register: withTelemetry(register(deps), registrationEnded),
    logInWithPassword: withTelemetry(logInWithPassword(deps), firstStepEnded),
    logInWithSecondFactor: withTelemetry(logInWithSecondFactor(deps), loginEnded),
    beginPasskeyLogin: beginPasskeyLogin(deps),
    logInWithPasskey: withTelemetry(logInWithPasskey(deps), loginEnded),
    describeMe: describeMe(deps),
    changePassword: changePassword(deps),
    mailPasswordReset: mailPasswordReset(deps),
    mailVerification: mailVerification(deps),
    mailOwnVerification: mailOwnVerification(deps),
    requestEmailChange: requestEmailChange(deps),
    deleteAccount: deleteAccount(deps),
  };
}

function createFactorUseCases(deps: UseCaseDeps) {
  return {
    listFactors: listFactors(deps),
    addTotp: addTotp(deps),
    confirmTotp: confirmTotp(deps),
    beginPasskey: beginPasskey(deps),
    addPasskey: addPasskey(deps),
    makeRecoveryCodes: makeRecoveryCodes(deps),
    renameFactor: renameFactor(deps),
    removeFactor: removeFactor(deps),
  };
}

/** The use cases behind the links in mails. */
function createMailLinkUseCases(deps: UseCaseDeps) {
  return {
    readNotMeLink: readNotMeLink(deps),
    endSessionsByLink: endSessionsByLink(deps),
    mailPasswordResetByLink: mailPasswordResetByLink(deps),
    checkResetLink: checkResetLink(deps),
    resetPassword: resetPassword(deps),
    checkVerificationLink: checkVerificationLink(deps),
    verifyEmail: verifyEmail(deps),
    checkEmailChange: checkEmailChangeLink(deps, 'change'),
    changeEmail: changeEmail(deps),
    checkEmailUndo: checkEmailChangeLink(deps, 'undo'),
    undoEmailChange: undoEmailChange(deps),
  };
}

/** The use cases of the account pages. Sessions of these pages follow a policy of their own. */
function createAccountPageUseCases(deps: UseCaseDeps, verifyProof: VerifyIdentityProof, reports: Reports) {
  return {
    ...createPageSignIn(deps, reports),
    stepUpPageSession: stepUpPageSession({ ...deps, policy: pagePolicy(deps.policy), verifyProof }),
    findPageSession: findPageSession(deps),
  };
}

function createPageSignIn(
  deps: UseCaseDeps & { readonly admitUser?: AdmitUser },
  { loginEnded, firstStepEnded }: Reports,
) {
  const onPages = { ...deps, policy: pagePolicy(deps.policy) };
  return {
    signInToPage: withTelemetry(
      signInToPage({ ...deps, logInWithPassword: logInWithPassword(onPages) }),
      firstStepEnded,
    ),
    finishSignIn: withTelemetry(
      finishSignIn({ ...deps, logInWithSecondFactor: logInWithSecondFactor(onPages) }),
      loginEnded,
    ),
  };
}

/** The use cases of the routes under `/admin`, and of the sign-in to the console. */
function createOperatorUseCases(
  deps: UseCaseDeps,
  { findPageSession }: { readonly findPageSession: FindPageSession },
  reports: Reports,
) {
  const signIn = createPageSignIn({ ...deps, admitUser: admitOperator(deps) }, reports);
  return {
    signInToConsole: signIn.signInToPage,
    finishConsoleSignIn: signIn.finishSignIn,
    findOperator: findOperator({ ...deps, findPageSession }),
    findSessions: findSessions(deps),
    listSessionEvents: listSessionEvents(deps),
    changeSession: changeSession(deps),
    endSessionAsOperator: endSessionAsOperator(deps),
    listAuditEvents: listAuditEvents(deps),
    streamAuditEvents: streamAuditEvents(deps),
    disableUser: disableUser(deps),
    enableUser: enableUser(deps),
    findUserState: findUserState(deps),
    setClaims: setClaims(deps),
    listAccounts: listAccounts(deps),
    findAccount: findAccount(deps),
    createUser: createUser(deps),
    changeUser: changeUser(deps),
    deleteUser: deleteUser(deps),
    removeFactors: removeFactors(deps),
  };
}

function createWebhookUseCases(deps: UseCaseDeps) {
  return {
    addEndpoint: addEndpoint(deps),
    listEndpoints: listEndpoints(deps),
    findEndpoint: findEndpoint(deps),
    changeEndpoint: changeEndpoint(deps),
    removeEndpoint: removeEndpoint(deps),
    rotateEndpointSecret: rotateEndpointSecret(deps),
    listDeliveries: listDeliveries(deps),
    sendDeliveryAgain: sendDeliveryAgain(deps),
    sendPeriodAgain: sendPeriodAgain(deps),
  };
}

/** The use cases of Shared Signals streams. */
function createStreamUseCases(deps: UseCaseDeps) {
  return {
    createStream: createStream(deps),
    listStreams: listStreams(deps),
    findStream: findStream(deps),
    changeStream: changeStream(deps),
    removeStream: removeStream(deps),
    changeStreamStatus: changeStreamStatus(deps),
    verifyStream: verifyStream(deps),
  };
}

/** The use cases of the front door `task-api`. */
function createTaskUseCases(deps: UseCaseDeps) {
  const list = listTasks(deps);
  return {
    createTask: createTask(deps),
    listTasks: list,
    findTask: findTask(deps),
    changeTask: changeTask(deps),
    deleteTask: deleteTask(deps),
    listUsers: listUsers({ ...deps, listTasks: list }),
    describeUser: describeUser({ ...deps, listTasks: list }),
    limitRequests: limitRequests(deps),
  };
}
