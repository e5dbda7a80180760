/** The HTTP contracts of other systems that this service offers beside its own. */
export type FrontDoor = 'session-id' | 'cookie-pair' | 'task-api';

/** The HTTP contract that opened a session. The door may add claims to the access token. */
export type Door = 'canonical' | FrontDoor;

/** Whether a door can ask for a second factor. The doors of other systems have one step only. */
export function hasSecondStep(door: Door): boolean {
  return door === 'canonical';
}
