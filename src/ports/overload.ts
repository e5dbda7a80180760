/** What is overloaded: the event loop, or the database, which does not answer. */
export type Overload = 'event_loop' | 'database';

/** The current overload; null while the service can accept requests. Called for every request. */
export type ReadOverload = () => Overload | null;
