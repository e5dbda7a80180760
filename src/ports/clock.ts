/** The time of day, in milliseconds since the epoch. It may jump. */
export type Clock = () => number;
