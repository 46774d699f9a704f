import type { MetricFamily } from "../base/metrics.ts";

/** Joins the samples of families of one name, as the text format wants it. The first one's help and type stand. */
export function mergeFamilies(families: readonly MetricFamily[]): readonly MetricFamily[] {
  const byName = new Map<string, MetricFamily>();
  for (const family of families) {
    const known = byName.get(family.name);
    byName.set(family.name, known === undefined ? family : joined(known, family));
  }
  return [...byName.values()];
}

function joined(a: MetricFamily, b: MetricFamily): MetricFamily {
  if (a.type === "histogram") {
    return b.type === "histogram" ? { ...a, samples: [...a.samples, ...b.samples] } : a;
  }
  return b.type === "histogram" ? a : { ...a, samples: [...a.samples, ...b.samples] };
}
