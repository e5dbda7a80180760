const DAY = 86_400_000;

/** How long a pair of network and product is known after its last use, in milliseconds. */
export const DEVICE_KNOWN_FOR = 90 * DAY;

/** Whether the user gets a mail about a session from an unknown pair of network and product. */
export type NewDevicePolicy = 'notify' | 'ignore';
