import { formatDuration } from "../base/duration.ts";
import { fromThousandths, type QuantityName } from "./quantities.ts";
import { type Constraint, type Shape } from "./shape.ts";

/** Why a shape cannot go to a host now. */
export type Obstacle =
  /** The host is left alone for a while, because starting there failed. */
  | { readonly type: "paused"; readonly untilMs: number; readonly reason: string }
  | { readonly type: "constraint"; readonly constraint: Constraint }
  /** Its executor has all the tasks that it takes at once. */
  | { readonly type: "full"; readonly tasks: number }
  /** `free` is what the host has left of the first amount that does not suffice, in thousandths. */
  | { readonly type: "short"; readonly of: QuantityName; readonly free: number };

/**
 * One line for people, hosts with the same obstacle counted together:
 * `needs 4 cpus, 512 MB: 3 hosts short of cpus (best 2.5), 2 hosts rack≠r1`.
 */
export function foldObstacles(shape: Shape, obstacles: Iterable<Obstacle>, nowMs: number): string {
  const short = new Map<QuantityName, { hosts: number; best: number }>();
  const broken = new Map<string, number>();
  let full = 0;
  let fullTasks = 0;
  const paused = { hosts: 0, untilMs: Infinity, reason: "" };
  for (const obstacle of obstacles) {
    if (obstacle.type === "short") {
      const entry = short.get(obstacle.of) ?? { hosts: 0, best: 0 };
      short.set(obstacle.of, { hosts: entry.hosts + 1, best: Math.max(entry.best, obstacle.free) });
    } else if (obstacle.type === "constraint") {
      const text = `${obstacle.constraint.attribute ?? "host"}≠${obstacle.constraint.value}`;
      broken.set(text, (broken.get(text) ?? 0) + 1);
    } else if (obstacle.type === "full") {
      full++;
      fullTasks = obstacle.tasks;
    } else {
      paused.hosts++;
      if (obstacle.untilMs < paused.untilMs)
        Object.assign(paused, { untilMs: obstacle.untilMs, reason: obstacle.reason });
    }
  }
  const parts = [...short].map(
    ([name, { hosts, best }]) => `${count(hosts)} short of ${name} (best ${amount(name, best)})`,
  );
  for (const [text, hosts] of broken) parts.push(`${count(hosts)} ${text}`);
  if (full > 0) parts.push(`${count(full)} with all ${fullTasks} runs that take place there at once`);
  if (paused.hosts > 0) {
    const rest = formatDuration(Math.max(0, paused.untilMs - nowMs));
    parts.push(`${count(paused.hosts)} paused for ${rest} (${paused.reason})`);
  }
  return `${describeNeed(shape)}: ${parts.length > 0 ? parts.join(", ") : "no host offers anything"}`;
}

function describeNeed({ resources, executor }: Shape): string {
  const { cpus, mem } = resources;
  const task = `needs ${amount("cpus", cpus)} cpus, ${amount("mem", mem)}`;
  if (executor === null || (executor.resources.cpus === 0 && executor.resources.mem === 0)) return task;
  return `${task} (and ${amount("cpus", executor.resources.cpus)} cpus, ${amount("mem", executor.resources.mem)} for an executor)`;
}

function amount(name: QuantityName, thousandths: number): string {
  return name === "mem" ? `${fromThousandths(thousandths)} MB` : `${fromThousandths(thousandths)}`;
}

function count(hosts: number): string {
  return hosts === 1 ? "1 host" : `${hosts} hosts`;
}
