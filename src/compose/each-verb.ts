export type Verb = (...input: never[]) => Promise<unknown>;

/** Functions under their names: the use cases, or the methods of a store. */
export type Verbs<T> = { readonly [Name in keyof T]: Verb };

/** The same functions, each of which is called by way of another. */
export function eachVerb<T extends Verbs<T>>(verbs: T, wrap: (name: string, verb: Verb) => Verb): T {
  const wrapped = Object.entries<Verb>(verbs).map(([name, verb]) => [name, wrap(name, verb)]);
  return Object.fromEntries(wrapped);
}
