/** What is overloaded: the event loop, or the database, which does not answer. */
export type Strain = 'event_loop' | 'database';

/** The current overload; null while the service can accept requests. Called for every request. */
export type Pressure = () => Strain | null;
