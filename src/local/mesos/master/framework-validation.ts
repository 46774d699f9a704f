import { repeatedIn } from "../../../base/repeated.ts";
import type { FrameworkId, FrameworkInfo, OfferConstraints } from "../../../mesos/types.ts";
import { idProblem } from "../ids.ts";
import { roleProblem } from "../roles.ts";
import { wishesProblem } from "./offer-wishes.ts";

/** The longest time that fits into nanoseconds of an int64. */
const LONGEST_FAILOVER_SECONDS = 2 ** 63 / 1e9;

/** The roles that a framework is subscribed to: those of `roles`, or the single old one. */
export function rolesOf(info: FrameworkInfo): readonly string[] {
  if (isMultiRole(info)) return info.roles ?? [];
  return [info.role ?? "*"];
}

/**
 * Why a master refuses to subscribe a framework, in its words; undefined where it does not.
 *
 * The answer travels as an ERROR event in a stream that was opened with status 200.
 */
export function frameworkProblem(
  info: FrameworkInfo,
  frameworkId: FrameworkId | undefined,
  suppressedRoles: readonly string[],
  constraints: OfferConstraints | undefined,
): string | undefined {
  const roles = rolesOf(info);
  return (
    roleFieldsProblem(info) ??
    rolesProblem(roles) ??
    suppressedProblem(roles, suppressedRoles) ??
    wishesProblem({ constraints, filters: info.offerFilters }, roles) ??
    failoverTimeoutProblem(info.failoverTimeout) ??
    (frameworkId === undefined || frameworkId === "" ? undefined : idProblem(frameworkId))
  );
}

function isMultiRole(info: FrameworkInfo): boolean {
  return (info.capabilities ?? []).some(({ type }) => type === "MULTI_ROLE");
}

function roleFieldsProblem(info: FrameworkInfo): string | undefined {
  if (isMultiRole(info)) {
    if (info.role === undefined || info.role === "*") return undefined;
    return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable";
  }
  if ((info.roles ?? []).length === 0) return undefined;
  return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable";
}

function rolesProblem(roles: readonly string[]): string | undefined {
  const repeated = repeatedIn(roles);
  if (repeated.size > 0) return `'FrameworkInfo.roles' contains duplicate items: { ${[...repeated].join(", ")} }`;
  for (const role of roles) {
    const problem = roleProblem(role);
    if (problem !== undefined) return `'FrameworkInfo.roles' contains invalid role: ${problem}`;
  }
  return undefined;
}

/** What of a framework cannot be changed by UPDATE_FRAMEWORK, in Mesos' words. */
export function frameworkChangeProblem(former: FrameworkInfo, wanted: FrameworkInfo): string | undefined {
  // One that is left out stays what the master has filled in.
  if (wanted.principal !== undefined && former.principal !== wanted.principal) {
    return "Changing framework's principal is not allowed.";
  }
  if (former.user !== wanted.user) return unsupportedChange("user", former.user, wanted.user);
  const [before, after] = [former.checkpoint ?? false, wanted.checkpoint ?? false];
  return before === after ? undefined : unsupportedChange("checkpoint", String(before), String(after));
}

function unsupportedChange(field: string, before: string, after: string): string {
  return `Updating 'FrameworkInfo.${field}' is unsupported; attempted to update from '${before}' to '${after}'`;
}

export function suppressedProblem(roles: readonly string[], suppressed: readonly string[]): string | undefined {
  const own = new Set(roles);
  const foreign = suppressed.filter((role) => !own.has(role));
  if (foreign.length === 0) return undefined;
  return `Suppressed roles { ${foreign.join(", ")} } are not contained in the set of roles`;
}

function failoverTimeoutProblem(seconds: number | undefined): string | undefined {
  if (seconds === undefined || Math.abs(seconds) <= LONGEST_FAILOVER_SECONDS) return undefined;
  // As C++ prints a double: 1e+12, not 1000000000000.
  const shown = seconds >= 1e6 ? seconds.toExponential().replace(/e\+(\d)$/, "e+0$1") : String(seconds);
  return `The framework failover_timeout (${shown}) is invalid`;
}
