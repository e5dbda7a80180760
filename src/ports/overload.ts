/** What is overloaded: the event loop, or the database, which does not answer. */
export type Overload = 'event_loop' | 'database';

/** The current overload; null while the service can accept requests. Called for each request to a client route. */
export type ReadOverload = () => Overload | null;
