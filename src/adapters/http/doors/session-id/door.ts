import type { App } from '../../server/app.ts';
import { registerCookieParser } from '../../server/cookies.ts';
import { redirectToDocs } from '../../server/redirect-to-docs.ts';
import { registerScope } from '../../server/register-scope.ts';
import { requireServiceKey } from '../../server/service-keys.ts';
import { listRoute, type SessionIdListOptions } from './list.ts';
import { type SessionIdTokenOptions, tokenRoutes } from './tokens.ts';

export interface SessionIdOptions extends SessionIdTokenOptions, SessionIdListOptions {}

/** A trusted backend logs users in. A refresh names its session by id. */
export async function sessionIdDoor(app: App, options: SessionIdOptions): Promise<void> {
  redirectToDocs(app, '/swagger/index.html', 'session-id', 'sessionIdOpenDocs');
  await registerScope(app, async (clients) => {
    await registerCookieParser(clients);
    tokenRoutes(clients, options);
  });
  await registerScope(app, (operators) => {
    requireServiceKey(operators, options.serviceKeys, 'admin');
    listRoute(operators, options);
  });
}
