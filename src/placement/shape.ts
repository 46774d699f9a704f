import type { Attribute } from "../mesos/types.ts";
import { nothing, type Quantities } from "./quantities.ts";

/** Hard: the attribute of the agent must equal the value; `attribute: null` means the host name. */
export interface Constraint {
  readonly attribute: string | null;
  readonly value: string;
}

/** The executor that a task needs. Its own resources are charged once per agent, with the first task that starts it. */
export interface ExecutorNeed {
  /** Tasks with an equal key can share one executor of an agent. */
  readonly key: string;
  readonly resources: Quantities;
  /** Tasks that it takes at once; Infinity: as many as there is room for. */
  readonly slots: number;
}

/** All that decides where a task can go. Requests of equal shape are equal to placement and share one evaluation. */
export interface Shape {
  /** Equal for equal shapes and different for others. */
  readonly id: string;
  readonly resources: Quantities;
  /** null: the task brings its own command. */
  readonly executor: ExecutorNeed | null;
  readonly constraints: readonly Constraint[];
}

export function makeShape(parts: Omit<Shape, "id">): Shape {
  const { resources, executor, constraints } = parts;
  const id = JSON.stringify([
    resources.cpus,
    resources.mem,
    executor === null ? null : [executor.key, executor.resources.cpus, executor.resources.mem, String(executor.slots)],
    constraints.map(({ attribute, value }) => [attribute, value]),
  ]);
  return { id, ...parts };
}

/** What the executor adds on an agent where only executors with these keys run. */
export function executorCharge(shape: Shape, running: { has(key: string): boolean }): Quantities {
  return shape.executor === null || running.has(shape.executor.key) ? nothing : shape.executor.resources;
}

/** The first constraint that the host does not meet. */
export function brokenConstraint(
  shape: Shape,
  host: { readonly hostname: string; readonly attributes: readonly Attribute[] },
): Constraint | undefined {
  return shape.constraints.find(({ attribute, value }) =>
    attribute === null
      ? host.hostname !== value
      : !host.attributes.some((one) => one.name === attribute && attributeText(one) === value),
  );
}

/** Agents take text and numbers as attributes (a number comes as SCALAR); ranges equal no text. */
function attributeText(attribute: Attribute): string | undefined {
  if (attribute.type === "TEXT") return attribute.text?.value;
  return attribute.scalar === undefined ? undefined : String(attribute.scalar.value);
}
