/** One HTTP request, as the load generator writes it. */
export interface RequestSpec {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The URL of a contestant, and further values that its clients need. */
export interface Target {
  readonly url: string;
  readonly [given: string]: string;
}

/** The requests that a client repeats. Each request may depend on the previous answer. */
export interface Scenario<State> {
  /** Returns the first state of the client with this number. Called before the measurement. */
  begin(target: Target, client: number): Promise<State>;
  ask(state: State): RequestSpec;
  /** Returns the state of the client after this answer. Throws if the answer is not the expected one. */
  take(answer: Answer, state: State): State;
  /** Stores the last state of the client with this number. Called after the measurement. */
  leave?(target: Target, client: number, state: State): void;
}

/**
 * Scenarios by their names, such as `refresh`, `login` or `protected`. A name means the same work for all contestants,
 * but the peer `fastify` verifies and stores nothing.
 */
// biome-ignore lint/suspicious/noExplicitAny: each scenario has a state of its own type
export type Scenarios = Readonly<Record<string, Scenario<any>>>;
