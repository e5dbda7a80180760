import { exampleOf, type Media, type OpenApi } from './openapi.ts';

/** An operation of the OpenAPI document, with what a request needs. */
export interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  /** The names of its security schemes; empty if it has none. */
  readonly schemes: readonly string[];
  /** Examples by media type. */
  readonly body: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly statuses: readonly number[];
}

interface Documented {
  readonly operationId: string;
  readonly summary?: string;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, unknown>>;
}

export function operationsOf({ paths }: OpenApi): readonly Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const {
        operationId,
        summary = operationId,
        security = [],
        requestBody,
        responses,
      } = operation as unknown as Documented; // the test of the document validates these members
      const content = Object.entries(requestBody?.content ?? {});
      return {
        id: operationId,
        summary,
        method: method.toUpperCase(),
        path,
        schemes: security.flatMap((needed) => Object.keys(needed)),
        body: Object.fromEntries(
          content.map(([type, media]) => [type, exampleOf(media) as Readonly<Record<string, string>>]),
        ),
        statuses: Object.keys(responses).map(Number),
      };
    }),
  );
}

/** The operation that a request is for. A literal path wins over one with parameters. */
export function operationAt(
  operations: readonly Operation[],
  { method, path }: { readonly method: string; readonly path: string },
): Operation | undefined {
  const [pathname = ''] = path.split('?');
  const fits = operations.filter(
    (operation) => operation.method === method && patternOf(operation.path).test(pathname),
  );
  return fits.find((operation) => operation.path === pathname) ?? fits[0];
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`);
}
