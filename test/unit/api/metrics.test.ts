import { expect, test } from "bun:test";
import { createApi } from "../../../src/api/api.ts";
import { metricsOf } from "../../../src/api/metrics.ts";
import { formatPrometheus } from "../../../src/api/prometheus.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { FakeScheduler, processorView, schedulerView } from "./fakes.ts";

test("snapshots become metrics with base units and labels", () => {
  const text = formatPrometheus(
    metricsOf(
      schedulerView({
        processors: [
          processorView("a", {
            counters: {
              recordsIn: 10,
              recordsOut: 7,
              errors: 2,
              failedAttempts: 5,
              reruns: { "agent-lost": 3 },
              launches: 12,
            },
          }),
        ],
      }),
    ),
  );
  for (const line of [
    "# TYPE brigade_records_in_total counter",
    'brigade_records_in_total{processor="a"} 10',
    'brigade_reruns_total{processor="a",reason="agent-lost"} 3',
    'brigade_lag_records{processor="a",topic="a-in",partition="0"} 3',
    'kafka_consumergroup_lag{consumergroup="BrigadeProc-a-in-a",topic="a-in",partition="0"} 3',
    'brigade_record_latency_seconds{processor="a",quantile="0.99"} 0.25',
    "brigade_uptime_seconds 61",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("what is not known yet has no sample", () => {
  const unknown = { partition: 0, committed: null, end: null, lag: null, watermarkHeldBy: null };
  const processors = [processorView("a", { partitions: [unknown], latency: { p50Ms: null, p99Ms: null } })];
  const text = formatPrometheus(metricsOf(schedulerView({ processors })));
  expect(text).not.toContain("brigade_lag_records{");
  expect(text).not.toContain("brigade_record_latency_seconds{");
});

test("names end as Prometheus wants them, and none is there twice", () => {
  const families = metricsOf(schedulerView());
  const names = families.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type } of families) {
    if (name !== "kafka_consumergroup_lag") expect(name).toMatch(/^brigade_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
  }
});

test("labels are escaped, and histograms end with an infinite bucket, sum and count", () => {
  const text = formatPrometheus([
    { type: "gauge", name: "brigade_x", help: "a\\b\nc", samples: [{ labels: { reason: 'say "no"\n\\' }, value: 1 }] },
    {
      type: "histogram",
      name: "brigade_y_seconds",
      help: "y",
      samples: [{ labels: { processor: "a" }, bounds: [0.1, 1], counts: [2, 5], count: 6, sum: 4.5 }],
    },
  ]);
  expect(text).toBe(
    [
      "# HELP brigade_x a\\\\b\\nc",
      "# TYPE brigade_x gauge",
      'brigade_x{reason="say \\"no\\"\\n\\\\"} 1',
      "# HELP brigade_y_seconds y",
      "# TYPE brigade_y_seconds histogram",
      'brigade_y_seconds_bucket{processor="a",le="0.1"} 2',
      'brigade_y_seconds_bucket{processor="a",le="1"} 5',
      'brigade_y_seconds_bucket{processor="a",le="+Inf"} 6',
      'brigade_y_seconds_sum{processor="a"} 4.5',
      'brigade_y_seconds_count{processor="a"} 6',
      "",
    ].join("\n"),
  );
});

test("/metrics adds what only the Workers count", async () => {
  const scheduler = new FakeScheduler();
  scheduler.families = [
    { type: "counter", name: "brigade_offers_total", help: "Offers.", samples: [{ labels: {}, value: 4 }] },
  ];
  const response = await createApi({ scheduler, log: silentLogger }).request("/metrics");
  expect(response.headers.get("content-type")).toContain("version=0.0.4");
  expect(await response.text()).toContain("brigade_offers_total 4");
});
