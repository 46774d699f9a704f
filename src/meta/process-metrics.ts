import type { MetricFamily } from "../base/metrics.ts";
import type { EngineView } from "../engine/engine.ts";
import type { RunnerCounters } from "../framework/runner-counters.ts";

/** What a snapshot does not tell: the traffic with Mesos, and bytes. */
export function processorMetrics(
  processor: string,
  view: EngineView,
  traffic: RunnerCounters,
): readonly MetricFamily[] {
  const one = (type: "counter" | "gauge", name: string, help: string, value: number): MetricFamily => ({
    type,
    name,
    help,
    samples: [{ labels: { processor }, value }],
  });
  return [
    one(
      "gauge",
      "brigade_in_flight_bytes",
      "Bytes of records read and not settled, and of outputs that wait to be sent.",
      view.inFlight.bytes,
    ),
    one("gauge", "brigade_runs", "Runs that are placed or running.", view.inFlight.runs),
    one("counter", "brigade_input_bytes_total", "Bytes read from the input topic.", view.statistics.bytesIn),
    one("counter", "brigade_records_expired_total", "Records gone before they were read.", view.statistics.expired),
    one(
      "counter",
      "brigade_expired_results_total",
      "Results whose record was gone from Kafka: written without key and headers.",
      view.statistics.expiredResults,
    ),
    one(
      "counter",
      "brigade_unknown_versions_total",
      "Results settled by the present specification, because their run's own version is not stored any more.",
      view.statistics.unknownVersions,
    ),
    one(
      "counter",
      "brigade_metadata_dropped_total",
      "Settled records that had no place in a commit's metadata: they run again if the scheduler dies before the watermark passes them.",
      view.statistics.metadataDropped,
    ),
    one("counter", "brigade_offers_total", "Offers received from Mesos.", traffic.offers),
    one("counter", "brigade_offers_declined_total", "Offers given back unused.", traffic.declines),
    one("counter", "brigade_revives_total", "REVIVE calls: requests for offers.", traffic.revives),
    one("counter", "brigade_suppresses_total", "SUPPRESS calls: no offers wanted.", traffic.suppresses),
    one("counter", "brigade_kills_total", "KILL calls.", traffic.kills),
    one("counter", "brigade_acknowledgements_total", "Status updates acknowledged.", traffic.acknowledgements),
  ];
}
