import type { BeginPasskeyLogin } from '../../../app/accounts/begin-passkey-login.ts';
import type { Refresh } from '../../../app/sessions/refresh.ts';
import type { StepUp } from '../../../app/sessions/step-up.ts';
import type { App } from '../server/app.ts';
import { requireBearer } from '../server/authenticate.ts';
import { registerScope } from '../server/register-scope.ts';
import { type AccountsOptions, accountRoutes, ownAccountRoutes } from './accounts.ts';
import { type ActivityOptions, activityRoute } from './activity.ts';
import { type FactorsOptions, factorRoutes } from './factors.ts';
import { type LoginOptions, loginRoute, secondStepRoute } from './login.ts';
import { type PasskeysOptions, passkeyLoginRoutes, passkeyRoutes } from './passkeys.ts';
import { refreshRoute } from './refresh.ts';
import { logOutRoute, type SessionsOptions, sessionRoutes } from './sessions.ts';
import { stepUpRoutes } from './step-up.ts';

export interface CanonicalOptions
  extends LoginOptions,
    AccountsOptions,
    FactorsOptions,
    PasskeysOptions,
    SessionsOptions,
    ActivityOptions {
  readonly refresh: Refresh;
  readonly stepUp: StepUp;
  readonly beginStepUp: BeginPasskeyLogin;
}

/** The canonical door: this service's own contract. */
export async function canonicalDoor(app: App, options: CanonicalOptions): Promise<void> {
  loginRoute(app, options);
  secondStepRoute(app, options);
  passkeyLoginRoutes(app, options);
  refreshRoute(app, options);
  stepUpRoutes(app, options);
  logOutRoute(app, options);
  accountRoutes(app, options);
  await registerScope(app, (own) => {
    requireBearer(own, options.authenticate);
    sessionRoutes(own, options);
    activityRoute(own, options);
    ownAccountRoutes(own, options);
    factorRoutes(own, options);
    passkeyRoutes(own, options);
  });
}
