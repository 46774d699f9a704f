import type { ProcessorView, SchedulerView } from "./scheduler-port.ts";

export interface HealthCheck {
  /** `processor-dir`, or `processor/<name>`. */
  readonly name: string;
  /** null: well. Otherwise what is wrong, for people. */
  readonly problem: string | null;
}

/**
 * What a load balancer or Marathon should know. A mistake in a processor file is no illness of the scheduler: the version
 * that runs goes on, and a restart would not mend it.
 */
export function checkHealth(view: SchedulerView): readonly HealthCheck[] {
  const { path, readable } = view.directory;
  return [
    { name: "processor-dir", problem: readable ? null : `${path} cannot be read` },
    ...view.processors.map((processor) => ({
      name: `processor/${processor.name}`,
      problem: processorProblem(processor),
    })),
  ];
}

function processorProblem({ phase, reason, framework }: ProcessorView): string | null {
  if (phase === "running") return framework.connected ? null : "not connected to the Mesos master";
  if (phase === "draining") return null;
  return reason === null ? phase : `${phase}: ${reason}`;
}

/** One line each, as `/readyz?verbose` of Kubernetes has it. */
export function describeHealth(checks: readonly HealthCheck[]): string {
  const lines = checks.map(({ name, problem }) => (problem === null ? `[+]${name} ok` : `[-]${name} ${problem}`));
  return `${lines.join("\n")}\n${isHealthy(checks) ? "ok" : "not ok"}\n`;
}

export function isHealthy(checks: readonly HealthCheck[]): boolean {
  return checks.every(({ problem }) => problem === null);
}
