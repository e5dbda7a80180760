import { createRequire } from 'node:module';
import type ajvCompiler from '@fastify/ajv-compiler';
import type serializerSelector from '@fastify/fast-json-stringify-compiler';

type BuildValidator = ajvCompiler.BuildCompilerFromPool;
type BuildSerializer = serializerSelector.SerializerFactory;
type Schemas = Parameters<BuildValidator>[0];

/**
 * Loads the compilers on demand. A schema is compiled at the first request that needs it. Compiling the schemas of all
 * answers would take most of the time of a start. Few processes use all of them.
 */
const load = createRequire(import.meta.url);

/** The examples of a body under their names. The documentation shows them, the validator ignores them. */
export const NAMED_EXAMPLES = 'x-examples';

/** All scopes share these two, so that scopes with the same schemas share their compilers. */
const validators = once((): BuildValidator => load('@fastify/ajv-compiler')());
const serializers = once((): BuildSerializer => load('@fastify/fast-json-stringify-compiler')());

/**
 * Bodies are typed and are not coerced. All other parts of a request are text, which is coerced to a number if the
 * schema wants one. An absent member gets its default. Nothing else is changed: no member is removed, and no value is
 * turned into an array.
 */
export const buildValidator = ((schemas: Schemas) => {
  const common = {
    removeAdditional: false as const,
    allErrors: false,
    useDefaults: true,
    keywords: [NAMED_EXAMPLES],
  };
  const strict = once(() => validators()(schemas, { customOptions: { ...common, coerceTypes: false } }));
  // `1e400` is parsed as Infinity. With `strictNumbers` the validator skips the limits of values that are not finite.
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
}) as unknown as BuildValidator; // the plugin's type promises Ajv's own functions; Fastify calls only the members above

export const buildSerializer: BuildSerializer = (schemas, options) => {
  const compile = once(() => serializers()(schemas, options));
  return (route) => {
    const compiled = once(() => compile()(route));
    return (document) => compiled()(document);
  };
};

/** Ajv's interface as Fastify uses it: if the result is false, `errors` holds the reasons. */
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
