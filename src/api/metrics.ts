import type { MetricFamily, MetricLabels, MetricSample } from "../base/metrics.ts";
import type { PartitionView, ProcessorView, SchedulerView } from "./scheduler-port.ts";

/** What a snapshot tells, as metrics. */
export function metricsOf(view: SchedulerView): readonly MetricFamily[] {
  return [...schedulerFamilies(view), ...processorFamilies(view.processors), ...partitionFamilies(view.processors)];
}

function schedulerFamilies({ version, uptimeMs, problems }: SchedulerView): readonly MetricFamily[] {
  const count = (wanted: "error" | "warning"): MetricSample => ({
    labels: { severity: wanted },
    value: problems.filter(({ severity }) => severity === wanted).length,
  });
  return [
    gauge("brigade_build_info", "Version of this scheduler.", [{ labels: { version }, value: 1 }]),
    gauge("brigade_uptime_seconds", "Time since the scheduler started.", [{ labels: {}, value: uptimeMs / 1000 }]),
    gauge("brigade_processor_file_problems", "Mistakes and warnings in the processor files.", [
      count("error"),
      count("warning"),
    ]),
  ];
}

function processorFamilies(processors: readonly ProcessorView[]): readonly MetricFamily[] {
  const perProcessor = (value: (processor: ProcessorView) => number): readonly MetricSample[] =>
    processors.map((processor) => ({ labels: labelsOf(processor), value: value(processor) }));
  return [
    gauge(
      "brigade_processor_running",
      "1 while the processor runs, 0 while it starts, is paused, drains or has failed.",
      perProcessor(({ phase }) => (phase === "running" ? 1 : 0)),
    ),
    gauge(
      "brigade_framework_connected",
      "1 while the processor's framework is subscribed to a Mesos master.",
      perProcessor(({ framework }) => (framework.connected ? 1 : 0)),
    ),
    counter(
      "brigade_records_in_total",
      "Records read from the input topic.",
      perProcessor(({ counters }) => counters.recordsIn),
    ),
    counter(
      "brigade_records_out_total",
      "Records written to the output topic.",
      perProcessor(({ counters }) => counters.recordsOut),
    ),
    counter(
      "brigade_records_failed_total",
      "Records given up: sent to the error topic, if there is one.",
      perProcessor(({ counters }) => counters.errors),
    ),
    counter(
      "brigade_failed_attempts_total",
      "Runs that the program itself ended badly.",
      perProcessor(({ counters }) => counters.failedAttempts),
    ),
    counter(
      "brigade_launches_total",
      "Tasks sent to Mesos.",
      perProcessor(({ counters }) => counters.launches),
    ),
    counter(
      "brigade_reruns_total",
      "Second runs of a record that its program did not ask for.",
      processors.flatMap((processor) =>
        Object.entries(processor.counters.reruns).map(([reason, value]) => ({
          labels: { ...labelsOf(processor), reason },
          value,
        })),
      ),
    ),
    gauge(
      "brigade_in_flight_records",
      "Records read and not settled.",
      perProcessor(({ inFlight }) => inFlight),
    ),
    gauge(
      "brigade_waiting_records",
      "Records that could run and wait for a place.",
      perProcessor(({ waiting }) => waiting.reduce((sum, { count }) => sum + count, 0)),
    ),
    gauge(
      "brigade_record_latency_seconds",
      "From read to settled, over the last few thousand records.",
      processors.flatMap((processor) => [
        ...quantile(processor, "0.5", processor.latency.p50Ms),
        ...quantile(processor, "0.99", processor.latency.p99Ms),
      ]),
    ),
  ];
}

function partitionFamilies(processors: readonly ProcessorView[]): readonly MetricFamily[] {
  const perPartition = (value: (at: PartitionView) => number | null): readonly MetricSample[] =>
    processors.flatMap((processor) => processor.partitions.flatMap((at) => partitionSample(processor, at, value(at))));
  return [
    gauge(
      "brigade_lag_records",
      "Records of the input topic that are not settled.",
      perPartition(({ lag }) => lag),
    ),
    gauge(
      "kafka_consumergroup_lag",
      "The same under the name that lag exporters of Kafka use.",
      processors.flatMap(({ group, input, partitions }) =>
        partitions.flatMap(({ partition, lag }) =>
          lag === null
            ? []
            : [{ labels: { consumergroup: group, topic: input, partition: String(partition) }, value: lag }],
        ),
      ),
    ),
    gauge(
      "brigade_committed_offset",
      "The commit watermark: the next offset to settle.",
      perPartition(({ committed }) => committed),
    ),
    gauge(
      "brigade_watermark_held_seconds",
      "How long the lowest record that is not settled has been open.",
      perPartition(({ watermarkHeldBy }) => (watermarkHeldBy === null ? 0 : watermarkHeldBy.forMs / 1000)),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { type: "gauge", name, help, samples };
}

function counter(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { type: "counter", name, help, samples };
}

function labelsOf({ name }: ProcessorView): MetricLabels {
  return { processor: name };
}

function partitionSample(
  processor: ProcessorView,
  { partition }: PartitionView,
  value: number | null,
): readonly MetricSample[] {
  if (value === null) return [];
  return [{ labels: { ...labelsOf(processor), topic: processor.input, partition: String(partition) }, value }];
}

function quantile(processor: ProcessorView, quantile: string, ms: number | null): readonly MetricSample[] {
  return ms === null ? [] : [{ labels: { ...labelsOf(processor), quantile }, value: ms / 1000 }];
}
