import type { AgentInfo, AttributeConstraint, FrameworkInfo, OfferConstraints } from "../../../mesos/types.ts";
import type { Resources } from "../resources.ts";

/*
 * What a framework wants to be offered at all: agents by their attributes, and not less than some amount.
 */

export interface OfferWishes {
  readonly constraints: OfferConstraints | undefined;
  readonly filters: FrameworkInfo["offerFilters"];
}

/** Less than both is not offered unless a framework says otherwise: `min_allocatable_resources`, in thousandths. */
const LEAST_CPUS = 10;
const LEAST_MEM = 32_000;

/** What is wrong with a framework's wishes, in Mesos' words as far as they are known. */
export function wishesProblem(
  { constraints, filters = {} }: OfferWishes,
  roles: readonly string[],
): string | undefined {
  for (const { minAllocatableResources } of Object.values(filters)) {
    for (const { quantities = {} } of minAllocatableResources?.quantities ?? []) {
      if (Object.keys(quantities).length === 0) return "Resource quantities must contain at least one quantity";
      for (const [name, { value }] of Object.entries(quantities)) {
        const problem = numberProblem(value);
        if (problem !== undefined) return `Invalid resource quantity for '${name}': ${problem}`;
      }
    }
  }
  const byRole = constraints?.roleConstraints ?? {};
  const foreign = Object.keys(byRole).find((role) => !roles.includes(role));
  if (foreign !== undefined) {
    return `Offer constraints specify \`role_constraints\` for a role '${foreign}'not contained in the set of roles`;
  }
  for (const { groups = [] } of Object.values(byRole)) {
    for (const constraint of groups.flatMap(({ attributeConstraints = [] }) => attributeConstraints)) {
      const problem = constraintProblem(constraint);
      if (problem !== undefined) return `Offer constraints are not valid: ${problem}`;
    }
  }
  return undefined;
}

/** Whether a framework wants to be offered `resources` of an agent for a role. */
export function isWanted(
  { constraints, filters }: OfferWishes,
  role: string,
  agent: AgentInfo,
  resources: Resources,
): boolean {
  const least = filters?.[role]?.minAllocatableResources?.quantities;
  if (!(least === undefined ? isEnough(resources) : isAnyOf(least, resources))) return false;
  const groups = constraints?.roleConstraints?.[role]?.groups ?? [];
  return (
    groups.length === 0 ||
    groups.some(({ attributeConstraints = [] }) => attributeConstraints.every((each) => holds(each, agent)))
  );
}

/** By the measure of a framework without wishes. */
export function isEnough(resources: Resources): boolean {
  const scalars = resources.scalars();
  return (scalars.get("cpus") ?? 0) >= LEAST_CPUS || (scalars.get("mem") ?? 0) >= LEAST_MEM;
}

type Quantities = readonly { readonly quantities?: Readonly<Record<string, { readonly value: number }>> }[];

function isAnyOf(least: Quantities, resources: Resources): boolean {
  const scalars = resources.scalars();
  return (
    least.length === 0 ||
    least.some(({ quantities = {} }) =>
      Object.entries(quantities).every(([name, { value }]) => (scalars.get(name) ?? 0) >= value * 1000),
    )
  );
}

function numberProblem(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN not supported";
  if (!Number.isFinite(value)) return "Infinite values not supported";
  return value < 0 ? "Negative values not supported" : undefined;
}

function constraintProblem({ selector, predicate }: AttributeConstraint): string | undefined {
  if ((selector.attributeName === undefined) === (selector.pseudoattributeType === undefined)) {
    return "exactly one of 'pseudoattribute_type' and 'attribute_name' must be set";
  }
  if (Object.keys(predicate).length !== 1) return "exactly one predicate must be set";
  if (predicate.textMatches === undefined && predicate.textNotMatches === undefined) return undefined;
  return "'text_matches' and 'text_not_matches' are not supported by Brigade's embedded Mesos";
}

function holds({ selector, predicate }: AttributeConstraint, agent: AgentInfo): boolean {
  const value = selected(selector, agent);
  if (predicate.exists !== undefined) return value !== undefined;
  if (predicate.notExists !== undefined) return value === undefined;
  // An attribute that is no text passes both of these.
  if (predicate.textEquals !== undefined) return value === null || value === predicate.textEquals.value;
  return value === null || value !== predicate.textNotEquals?.value;
}

/** The text of an attribute; null for one that is no text, undefined for none. Of several with a name the first counts. */
function selected(
  { pseudoattributeType, attributeName }: AttributeConstraint["selector"],
  { hostname, attributes = [] }: AgentInfo,
): string | null | undefined {
  // Nobody here has a region or a zone.
  if (pseudoattributeType !== undefined) return pseudoattributeType === "HOSTNAME" ? hostname : undefined;
  const attribute = attributes.find(({ name }) => name === attributeName);
  if (attribute === undefined) return undefined;
  return attribute.type === "TEXT" ? (attribute.text?.value ?? null) : null;
}
