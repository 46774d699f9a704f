import type { Input, Violation } from "./evidence.ts";

export interface KafkaAccount {
  readonly acknowledged: number;
  readonly violations: readonly Violation[];
}

/**
 * What Kafka acknowledged to the idempotent producer stands where it said, and once: over every kill -9 of the broker.
 */
export function judgeKafka(
  inputs: readonly Input[],
  acknowledged: ReadonlyMap<number, { readonly partition: number; readonly offset: number }>,
): KafkaAccount {
  const violations: Violation[] = [];
  const byId = Map.groupBy(inputs, ({ id }) => id);
  for (const [id, { partition, offset }] of acknowledged) {
    const record = `in/${partition}/${offset}`;
    const found = byId.get(id) ?? [];
    if (!found.some((input) => input.record === record)) {
      violations.push({ rule: "loss", record, what: `record ${id} was acknowledged and is not there` });
    }
    if (found.length > 1) {
      const places = found.map((input) => input.record).join(", ");
      violations.push({
        rule: "stray",
        record,
        what: `the idempotent producer's record ${id} was written twice: ${places}`,
      });
    }
  }
  return { acknowledged: acknowledged.size, violations };
}
