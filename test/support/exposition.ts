/** Scrapes the metrics. The keys are `name` or `name{label="value",…}`, as in the text. */
export async function scrape(url: string, init: RequestInit = {}): Promise<Map<string, number>> {
  const response = await fetch(url, init);
  if (response.status !== 200) throw new Error(`the metrics were answered with ${response.status}`);
  return seriesIn(await response.text());
}

export function seriesIn(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, series = '', value = ''] = /^(\w+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      const number = /^nan$/i.test(value) ? Number.NaN : Number(value.replace('Inf', 'Infinity'));
      if (series === '' || (Number.isNaN(number) && value.length !== 3))
        throw new Error(`no sample: ${line}`);
      return [series, number];
    }),
  );
}

/** The metrics that are declared, with their types. */
export function typesIn(text: string): Record<string, string> {
  const declared = text.matchAll(/^# TYPE (\w+) (\w+)$/gm);
  return Object.fromEntries([...declared].map(([, name = '', type = '']) => [name, type]));
}

/** The samples of one metric that are not zero, by their labels. */
export async function countsOf(
  { scrape }: { scrape(): Promise<string> },
  metric: string,
): Promise<Record<string, number>> {
  const counted = [...seriesIn(await scrape())].filter(
    ([series, value]) => series.startsWith(`${metric}{`) && value > 0,
  );
  return Object.fromEntries(counted.map(([series, value]) => [series.slice(metric.length), value]));
}
