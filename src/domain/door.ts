/** The HTTP contracts of other systems that this service offers beside its own. */
export type FrontDoor = 'session-id' | 'cookie-pair' | 'task-api';

/** The HTTP contract that opened a session. The door may add claims to the access token. */
export type Door = 'canonical' | FrontDoor;

/** Whether a login through the door can have a second step. The contracts of other systems have none. */
export function hasSecondStep(door: Door): boolean {
  return door === 'canonical';
}
