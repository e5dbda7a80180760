import type { Instruments } from './instruments.ts';

/** Creates the gauge of the connections to dependencies. The caller may add dependencies to the map later. */
export function createDependencyGauge(
  { readings }: Instruments,
  dependencies: ReadonlyMap<string, () => boolean>,
): void {
  readings(
    'kinship_dependency_up',
    'Whether the service is connected to a dependency.',
    'min',
    'dependency',
    () => [...dependencies].map(([name, isUp]) => [name, Number(isUp())]),
  );
}
