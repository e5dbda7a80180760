/** Returns a new random UUID in lower case. */
export type NewId = () => string;
