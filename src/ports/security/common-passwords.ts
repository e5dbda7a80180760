/** Whether a password, given in lower case, is on the list of common passwords. */
export type IsCommonPassword = (password: string) => boolean;
