/** A fresh random UUID, lower case. */
export type NewId = () => string;
