import type { Instruments } from './instruments.ts';

/** The gauge of the connections to dependencies. `dependencies` may grow later. */
export function readDependencies(
  { readings }: Instruments,
  dependencies: ReadonlyMap<string, () => boolean>,
): void {
  readings(
    'kinship_dependency_up',
    'Whether the connection to a dependency stands.',
    'min',
    'dependency',
    () => [...dependencies].map(([name, isUp]) => [name, Number(isUp())]),
  );
}
