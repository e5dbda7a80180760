import AjvCompiler from '@fastify/ajv-compiler';

type Build = AjvCompiler.BuildCompilerFromPool;
type Route = AjvCompiler.RouteDefinition;

/** One for all: scopes with the same schemas share their compilers. */
const build = AjvCompiler();

/**
 * Bodies have types and are taken as they are; everything else in a request is text, which a schema may want as a
 * number. Neither is ever fixed silently: nothing is stripped, and one value is not made of several.
 */
export const buildValidator = ((schemas: Parameters<Build>[0]) => {
  const common = { removeAdditional: false, allErrors: false, useDefaults: true } as const;
  const strict = build(schemas, { customOptions: { ...common, coerceTypes: false } });
  // 1e400 is read as infinity, and of what is not finite the validator would not look at the limits.
  const coercing = build(schemas, {
    customOptions: { ...common, coerceTypes: true, strictNumbers: false },
  });
  return (route: Route) => (route.httpPart === 'body' ? strict(route) : coercing(route));
}) as Build;
