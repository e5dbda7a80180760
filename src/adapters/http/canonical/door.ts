import type { refresh } from '../../../app/sessions/refresh.ts';
import type { App } from '../server/app.ts';
import { type LoginOptions, loginRoute } from './login.ts';
import { refreshRoute } from './refresh.ts';

export interface CanonicalOptions extends LoginOptions {
  readonly refresh: ReturnType<typeof refresh>;
}

/** The canonical front door: the contract in this service's own words. */
export function canonicalDoor(app: App, options: CanonicalOptions): void {
  loginRoute(app, options);
  refreshRoute(app, options);
}
