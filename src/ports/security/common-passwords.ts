/** Whether a password, in lower case, is one of those that everybody tries first. */
export type IsCommonPassword = (password: string) => boolean;
