export type Method = (...input: never[]) => Promise<unknown>;

/** Named async functions: the use cases, or the methods of a store. */
export type Methods<T> = { readonly [Name in keyof T]: Method };

/** Returns an object with the same methods, each replaced by its wrapper. */
export function wrapMethods<T extends Methods<T>>(verbs: T, wrap: (name: string, verb: Method) => Method): T {
  const wrapped = Object.entries<Method>(verbs).map(([name, verb]) => [name, wrap(name, verb)]);
  return Object.fromEntries(wrapped);
}
