export type Method = (...input: never[]) => Promise<unknown>;

/** Named async functions: the use cases, or the methods of a store. */
export type Methods<T> = { readonly [Name in keyof T]: Method };

/** Returns an object with the same methods, each replaced by its wrapper. */
export function wrapMethods<T extends Methods<T>>(
  methods: T,
  wrap: (name: string, method: Method) => Method,
): T {
  const wrapped = Object.entries<Method>(methods).map(([name, method]) => [name, wrap(name, method)]);
  return Object.fromEntries(wrapped);
}
