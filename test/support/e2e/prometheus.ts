/** A metric of Prometheus' text format 0.0.4. */
export interface ParsedFamily {
  readonly type: string;
  readonly samples: { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g;
/** What a histogram or a summary puts behind its name. */
const SUFFIX = /_(?:bucket|sum|count)$/;

/**
 * Families by name, from text that has to be right: every line, a HELP and a TYPE in front of each family, one family in
 * one piece, and no sample twice.
 *
 * @throws with the line that is wrong
 */
export function parsePrometheus(text: string): ReadonlyMap<string, ParsedFamily> {
  if (!text.endsWith("\n")) throw new Error("The last line does not end");
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let help = "";
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === "HELP") help = name;
    else if (keyword === "TYPE") {
      if (help !== name || families.has(name)) throw new Error(`Not the place for: ${line}`);
      families.set(name, { type: rest, samples: [] });
      current = name;
    } else {
      const [, sample = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
      const isOfCurrent = sample === current || sample.replace(SUFFIX, "") === current;
      const key = line.slice(0, line.lastIndexOf(" "));
      if (sample === "" || !isOfCurrent || seen.has(key)) throw new Error(`Wrong sample: ${line}`);
      seen.add(key);
      families.get(current)?.samples.push({ labels: parseLabels(labels), value: parseValue(value) });
    }
  }
  return families;
}

function parseLabels(text: string): Readonly<Record<string, string>> {
  const matches = [...text.matchAll(LABEL)];
  if (matches.map(([whole]) => whole).join("") !== text) throw new Error(`Wrong labels: ${text}`);
  return Object.fromEntries(matches.map(([, name = "", value = ""]) => [name, value]));
}

function parseValue(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (Number.isNaN(value) && text !== "NaN") throw new Error(`Wrong value: ${text}`);
  return value;
}
