import type { ProcessorSpec } from "../config/processor.ts";

/** Of a topic that nothing is known of: less than Kafka's default of `max.message.bytes`. */
const USUAL_BYTES = 900_000;
/** An output takes its key and headers from the input: they need room beside what the program prints. */
const ROOM_BYTES = 65_536;

/** How large a record each topic takes (`max.message.bytes`). */
export class TopicLimits {
  readonly #told = new Map<string, number>();
  /** Below what a topic has refused. */
  readonly #learned = new Map<string, number>();
  #fitted: { readonly from: ProcessorSpec; readonly to: ProcessorSpec } | undefined;

  /** @param maxMessageBytes what the brokers say, by topic; what they said of others before still holds */
  tell(maxMessageBytes: ReadonlyMap<string, number>): void {
    for (const [topic, bytes] of maxMessageBytes) {
      this.#told.set(topic, bytes);
      this.#learned.delete(topic);
    }
    this.#fitted = undefined;
  }

  /** A record of so many bytes was too large for it, whatever it is said to take. */
  refused(topic: string, bytes: number): void {
    this.#learned.set(topic, Math.min(this.of(topic), Math.floor(bytes / 2)));
  }

  of(topic: string): number {
    return this.#learned.get(topic) ?? this.#told.get(topic) ?? USUAL_BYTES;
  }

  /** The specification with a `max-output` that its output topic takes. */
  fit(spec: ProcessorSpec): ProcessorSpec {
    if (this.#fitted?.from !== spec) this.#fitted = { from: spec, to: this.#fit(spec) };
    return this.#fitted.to;
  }

  #fit(spec: ProcessorSpec): ProcessorSpec {
    const told = spec.output === null ? undefined : this.#told.get(spec.output);
    if (told === undefined) return spec;
    const most = Math.max(told - ROOM_BYTES, Math.floor(told / 2));
    return spec.maxOutputBytes <= most ? spec : { ...spec, maxOutputBytes: most };
  }
}
