export type Method = (...input: never[]) => Promise<unknown>;

/** Functions under their names: the use cases, or the methods of a store. */
export type Methods<T> = { readonly [Name in keyof T]: Method };

/** The same functions, each of which is called by way of another. */
export function wrapMethods<T extends Methods<T>>(verbs: T, wrap: (name: string, verb: Method) => Method): T {
  const wrapped = Object.entries<Method>(verbs).map(([name, verb]) => [name, wrap(name, verb)]);
  return Object.fromEntries(wrapped);
}
