import { exampleOf, type OpenApi } from './openapi.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
}

/** A request with a value in one place. */
export interface Variant {
  /** For example `POST /auth/login body/username`. */
  readonly place: string;
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * Returns one request for each query parameter and for each member of a JSON body, at any depth. Each request has
 * `value` in its place.
 */
export function variantsWith(document: OpenApi, value: string): Variant[] {
  const resolve = (schema: Schema): Schema =>
    schema.$ref === undefined
      ? schema
      : (document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema);

  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([name, operation]) => {
      const method = name.toUpperCase();
      const { parameters = [] } = operation as { readonly parameters?: readonly Parameter[] };
      const inQuery = parameters.filter((parameter) => parameter.in === 'query');
      const required = Object.fromEntries(
        inQuery
          .filter((parameter) => parameter.required === true)
          .map((parameter) => [parameter.name, `{${parameter.name}}`]),
      );
      const queries = inQuery.map((parameter) => ({
        place: `${method} ${path} query/${parameter.name}`,
        method,
        path,
        query: { ...required, [parameter.name]: value },
      }));
      const media = operation.requestBody?.content?.['application/json'];
      if (media === undefined) return queries;
      const bodies = placesIn(resolve(media.schema), resolve).map((members) => ({
        place: `${method} ${path} body/${members.join('/')}`,
        method,
        path,
        query: {},
        body: withValue(exampleOf(media), members, value),
      }));
      return [...queries, ...bodies];
    }),
  );
}

function placesIn({ properties = {} }: Schema, resolve: (schema: Schema) => Schema): string[][] {
  return Object.entries(properties).flatMap(([name, schema]) => [
    [name],
    ...placesIn(resolve(schema), resolve).map((members) => [name, ...members]),
  ]);
}

function withValue(body: unknown, [name, ...others]: readonly string[], value: string): unknown {
  if (name === undefined) return value;
  const members = Object(body) as Readonly<Record<string, unknown>>;
  return { ...members, [name]: withValue(members[name], others, value) };
}
