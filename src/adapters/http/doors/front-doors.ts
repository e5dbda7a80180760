import type { FrontDoor } from '../../../domain/door.ts';
import type { App } from '../server/app.ts';
import { registerScope } from '../server/register-scope.ts';
import type { CookiePairOptions } from './cookie-pair/door.ts';
import type { SessionIdOptions } from './session-id/door.ts';
import type { TaskApiOptions } from './task-api/door.ts';

export interface FrontDoorOptions extends SessionIdOptions, CookiePairOptions, TaskApiOptions {
  /** The front doors that are open. */
  readonly frontDoors: readonly FrontDoor[];
}

interface Contract {
  /** Description for the OpenAPI document. */
  readonly description: string;
  open(scope: App, options: FrontDoorOptions): Promise<void>;
}

/**
 * The contracts of other systems. A front door translates paths, names, bodies and errors, and calls use cases, which
 * hold the rules. A front door that is not open is not loaded.
 */
export const FRONT_DOORS: Readonly<Record<FrontDoor, Contract>> = {
  'session-id': {
    description: 'Front door: sessions named by their id, under /api/v1/auth',
    open: async (scope, options) => (await import('./session-id/door.ts')).sessionIdDoor(scope, options),
  },
  'cookie-pair': {
    description: 'Front door: both tokens in cookies',
    open: async (scope, options) => (await import('./cookie-pair/door.ts')).cookiePairDoor(scope, options),
  },
  'task-api': {
    description: 'Front door: accounts, sessions and tasks under /api/v1',
    open: async (scope, options) => (await import('./task-api/door.ts')).taskApiDoor(scope, options),
  },
};

export async function openFrontDoors(app: App, options: FrontDoorOptions): Promise<void> {
  for (const door of options.frontDoors)
    await registerScope(app, (own) => FRONT_DOORS[door].open(own, options));
}
