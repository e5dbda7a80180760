/** What keeps the service from taking on more: it does not get to its work, or the database does not answer. */
export type Strain = 'event_loop' | 'database';

/** The strain that the service is under, null while it can take on work. To be asked at every request. */
export type Pressure = () => Strain | null;
