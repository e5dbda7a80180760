import { createRequire } from 'node:module';
import type ajvCompiler from '@fastify/ajv-compiler';
import type serializerSelector from '@fastify/fast-json-stringify-compiler';

type BuildValidator = ajvCompiler.BuildCompilerFromPool;
type BuildSerializer = serializerSelector.SerializerFactory;
type Schemas = Parameters<BuildValidator>[0];

/**
 * A schema is compiled when a request first wants it. All of them at once, for every status of every route, would be
 * most of what a start takes, and code that few processes ever run. So the compilers are loaded late, too.
 */
const load = createRequire(import.meta.url);

/** One for all: scopes with the same schemas share their compilers. */
const validators = once((): BuildValidator => load('@fastify/ajv-compiler')());
const serializers = once((): BuildSerializer => load('@fastify/fast-json-stringify-compiler')());

/**
 * Bodies have types and are taken as they are; everything else in a request is text, which a schema may want as a
 * number. Neither is ever fixed silently: nothing is stripped, and one value is not made of several.
 */
export const buildValidator = ((schemas: Schemas) => {
  const common = { removeAdditional: false, allErrors: false, useDefaults: true } as const;
  const strict = once(() => validators()(schemas, { customOptions: { ...common, coerceTypes: false } }));
  // 1e400 is read as infinity, and of what is not finite the validator would not look at the limits.
  const coercing = once(() =>
    validators()(schemas, { customOptions: { ...common, coerceTypes: true, strictNumbers: false } }),
  );
  return (route: ajvCompiler.RouteDefinition) => {
    const compiled = once(() => (route.httpPart === 'body' ? strict() : coercing())(route) as Validate);
    const validate: Validate = (data) => {
      const isValid = compiled()(data);
      validate.errors = compiled().errors;
      return isValid;
    };
    return validate;
  };
}) as unknown as BuildValidator; // the plugin's type promises Ajv's own functions, of which Fastify calls what is above

export const buildSerializer: BuildSerializer = (schemas, options) => {
  const compile = once(() => serializers()(schemas, options));
  return (route) => {
    const compiled = once(() => compile()(route));
    return (document) => compiled()(document);
  };
};

/** As Fastify takes it from Ajv: where the answer is false, `errors` says why. */
interface Validate {
  (data: unknown): boolean;
  errors?: unknown;
}

function once<Made>(make: () => Made): () => Made {
  let made: { readonly value: Made } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
