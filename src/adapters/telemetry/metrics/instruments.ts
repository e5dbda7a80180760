import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Makes the instruments of one registry: there is no global one, so that many services fit into one process. */
export function instruments(registry: Registry) {
  const registers = [registry];
  return {
    counter: <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
      new Counter({ name, help, labelNames, registers }),

    histogram: <Label extends string>(
      name: string,
      help: string,
      buckets: readonly number[],
      ...labelNames: Label[]
    ) => new Histogram({ name, help, labelNames, buckets: [...buckets], registers }),

    gauge: <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
      new Gauge({ name, help, labelNames, registers }),

    /** A counter whose total is read when it is asked for. */
    total: (name: string, help: string, read: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      }),

    /** A gauge whose value is read when it is asked for. */
    reading: (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      }),
  };
}

export type Instruments = ReturnType<typeof instruments>;
