/** One HTTP request, as the load generator writes it. */
export interface Ask {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What a contestant tells its clients: where it listens, and whatever it gave them to begin with. */
export interface Place {
  readonly url: string;
  readonly [given: string]: string;
}

/** What a client of a contestant does over and over: each request may depend on the answer before. */
export interface Scenario<State> {
  /** Before the clock runs: what the client of this number has in hand. */
  begin(place: Place, client: number): Promise<State>;
  ask(state: State): Ask;
  /** What the client has in hand after this answer. Throws where it is not the one that was wanted. */
  take(answer: Answer, state: State): State;
  /** After the clock has stopped: puts by what the client of this number has in hand. */
  leave?(place: Place, client: number, state: State): void;
}

/** Scenarios by their names: `refresh`, `login`, `password`, `protected`; one name means the same work everywhere. */
// biome-ignore lint/suspicious/noExplicitAny: the state is the scenario's own affair, and differs from one to the next
export type Scenarios = Readonly<Record<string, Scenario<any>>>;
