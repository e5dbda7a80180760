/** Whether a password, given in lower case, is on the list of common passwords. */
export type IsCommonPassword = (password: string) => boolean;

/**
 * Whether a password is known from a data breach. Never rejects: if the breaches cannot be searched, the password
 * passes, and a metric counts it. The password never leaves the process, only a part of its hash does.
 */
export type IsBreachedPassword = (password: string) => Promise<boolean>;
