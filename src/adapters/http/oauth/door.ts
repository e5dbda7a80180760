import type { ServiceKey } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { createOAuthClientAuthenticator } from './client-authentication.ts';
import { sendOAuthErrors } from './errors.ts';
import { acceptFormBodies } from './forms.ts';
import { type IntrospectOptions, introspectRoute } from './introspect.ts';
import { type RevokeOptions, revokeRoute } from './revoke.ts';
import { type TokenOptions, tokenRoute } from './token.ts';

export interface OAuthOptions extends TokenOptions, RevokeOptions, IntrospectOptions {
  readonly serviceKeys: readonly ServiceKey[];
}

/** The endpoints of OAuth 2.0. Must be registered in a scope of their own. */
export async function oauthRoutes(scope: App, options: OAuthOptions): Promise<void> {
  const clients = createOAuthClientAuthenticator(options.serviceKeys);
  sendOAuthErrors(scope);
  await acceptFormBodies(scope);
  tokenRoute(scope, options, clients);
  revokeRoute(scope, options, clients);
  introspectRoute(scope, options, clients);
}
