import { describe, expect, test } from "bun:test";
import { frameworkChangeProblem, frameworkProblem } from "../../../src/local/mesos/master/framework-validation.ts";
import type { FrameworkId, FrameworkInfo } from "../../../src/mesos/types.ts";

const multiRole = [{ type: "MULTI_ROLE" }] as const;
const framework = (more: Partial<FrameworkInfo>): FrameworkInfo => ({
  user: "u",
  name: "n",
  capabilities: multiRole,
  ...more,
});
const roles = (...names: string[]): FrameworkInfo => framework({ roles: names });

describe("a framework is refused in Mesos' words", () => {
  test.each<[FrameworkInfo, string]>([
    [framework({ role: "a" }), "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"],
    [
      { user: "u", name: "n", roles: ["a"] },
      "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
    ],
    [roles("a", "b", "a"), "'FrameworkInfo.roles' contains duplicate items: { a }"],
    [roles(""), "'FrameworkInfo.roles' contains invalid role: Role names cannot be the empty string"],
    [roles("/a"), "'FrameworkInfo.roles' contains invalid role: Role '/a' cannot start with a slash"],
    [roles("a/"), "'FrameworkInfo.roles' contains invalid role: Role 'a/' cannot end with a slash"],
    [roles("a//b"), "'FrameworkInfo.roles' contains invalid role: Role 'a//b' cannot contain two adjacent slashes"],
    [roles("a/./b"), "'FrameworkInfo.roles' contains invalid role: Role 'a/./b' cannot include '.' as a component"],
    [roles("a/*"), "'FrameworkInfo.roles' contains invalid role: Role 'a/*' cannot include '*' as a component"],
    [
      roles("a/-b"),
      "'FrameworkInfo.roles' contains invalid role: Role component '-b' is invalid because it starts with a dash",
    ],
    [
      roles("a b"),
      "'FrameworkInfo.roles' contains invalid role: Role component 'a b' is invalid because it contains backspace or whitespace",
    ],
    [framework({ failoverTimeout: 1e12 }), "The framework failover_timeout (1e+12) is invalid"],
  ])("%j", (info, problem) => {
    expect(frameworkProblem(info, undefined, [], undefined)).toBe(problem);
  });

  test.each<[string, string]>([
    ["a/b", "'a/b' contains invalid characters"],
    ["..", "'..' is disallowed"],
    ["x".repeat(256), "ID must not be greater than 255 characters"],
  ])("for its id %s", (id, problem) => {
    expect(frameworkProblem(roles("a"), id as FrameworkId, [], undefined)).toBe(problem);
  });

  test("for suppressed roles that it does not have", () => {
    expect(frameworkProblem(roles("a"), undefined, ["a", "b"], undefined)).toBe(
      "Suppressed roles { b } are not contained in the set of roles",
    );
  });
});

test.each([roles("*"), roles("a/b", "c"), roles(), framework({ role: "*" }), framework({ failoverTimeout: -1 })])(
  "%j is none that would be refused",
  (info) => {
    expect(frameworkProblem(info, "" as FrameworkId, [], undefined)).toBeUndefined();
  },
);

test("user, checkpoint and principal stay what they are; a principal that is left out is no change", () => {
  const former = framework({ principal: "p" });
  expect(frameworkChangeProblem(former, { ...former, user: "v" })).toBe(
    "Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'u' to 'v'",
  );
  expect(frameworkChangeProblem(former, { ...former, checkpoint: true })).toBe(
    "Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to update from 'false' to 'true'",
  );
  expect(frameworkChangeProblem(former, { ...former, principal: "q" })).toBe(
    "Changing framework's principal is not allowed.",
  );
  expect(frameworkChangeProblem(former, framework({ name: "other", roles: ["b"] }))).toBeUndefined();
});
