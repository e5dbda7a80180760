import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** How the values of several processes are combined. Counters, histograms and most gauges are summed. */
type Aggregator = 'sum' | 'min' | 'max';

/** Creates instruments in the given registry. There is no global registry: one process may run several services. */
export function createInstruments(registry: Registry) {
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

    /** A gauge that every process reads from the same source. */
    sharedGauge: <Label extends string = never>(
      name: string,
      help: string,
      aggregator: Aggregator,
      ...labelNames: Label[]
    ) => new Gauge({ name, help, labelNames, registers, aggregator }),

    /** A counter whose total is read at each scrape. */
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

    /** A gauge whose values are read at each scrape, by the value of their label. */
    readings: (
      name: string,
      help: string,
      aggregator: Aggregator,
      label: string,
      read: () => readonly (readonly [string, number])[],
    ) =>
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        aggregator,
        collect() {
          for (const [value, reading] of read()) this.set({ [label]: value }, reading);
        },
      }),

    /** A gauge whose value is read at each scrape. */
    reading: (name: string, help: string, read: () => number, aggregator: Aggregator = 'sum') =>
      new Gauge({
        name,
        help,
        registers,
        aggregator,
        collect() {
          this.set(read());
        },
      }),
  };
}

export type Instruments = ReturnType<typeof createInstruments>;
