import { describe, expect, test } from "bun:test";
import { readExecutorEnvironment } from "../../../src/mesos/executor-environment.ts";
import { readRecording } from "../../support/mesos-recordings.ts";

function recordedEnvironment(name: string): Record<string, string> {
  const line = readRecording(name).lines.find((each) => "env" in each);
  return (line as unknown as { env: Record<string, string> }).env;
}

describe("the executor's environment", () => {
  test("without checkpoint, as an agent made it", () => {
    const variables = recordedEnvironment("03-custom-executor");
    expect(readExecutorEnvironment(variables)).toEqual({
      frameworkId: variables["MESOS_FRAMEWORK_ID"],
      executorId: "worker",
      agentId: variables["MESOS_SLAVE_ID"],
      agent: { host: "127.0.0.1", port: 6170 },
      apiPath: "/slave(1)/api/v1/executor",
      sandbox: variables["MESOS_SANDBOX"],
      hostSandbox: variables["MESOS_DIRECTORY"],
      checkpoint: false,
      recoveryTimeoutMs: 0,
      subscriptionBackoffMaxMs: 2000,
      shutdownGracePeriodMs: 2000,
      authenticationToken: undefined,
    } as never);
  });

  test("in a container tells the sandbox as the executor and as the host see it", () => {
    const variables = recordedEnvironment("25-docker-executor");
    expect(readExecutorEnvironment(variables)).toMatchObject({
      sandbox: "/mnt/mesos/sandbox",
      hostSandbox: variables["MESOS_DIRECTORY"],
    });
  });

  test("with checkpoint, as an agent made it", () => {
    expect(readExecutorEnvironment(recordedEnvironment("13-agent-restart"))).toMatchObject({
      checkpoint: true,
      recoveryTimeoutMs: 60_000,
      subscriptionBackoffMaxMs: 4000,
      shutdownGracePeriodMs: 2000,
    });
  });

  const variables = { MESOS_FRAMEWORK_ID: "f", MESOS_EXECUTOR_ID: "e", MESOS_SLAVE_PID: "slave(2)@[::1]:5051" };

  test("may hold an IPv6 address, a token and little else", () => {
    expect(
      readExecutorEnvironment({ ...variables, MESOS_EXECUTOR_AUTHENTICATION_TOKEN: "jwt", MESOS_CHECKPOINT: "1" }),
    ).toMatchObject({
      agent: { host: "::1", port: 5051 },
      apiPath: "/slave(2)/api/v1/executor",
      authenticationToken: "jwt",
      recoveryTimeoutMs: 900_000,
      shutdownGracePeriodMs: 5000,
    });
  });

  test.each([
    ["1.5mins", 90_000],
    ["1500ms", 1500],
    ["500us", 0.5],
    ["2weeks", 1_209_600_000],
  ])("reads a grace period of %s", (text, ms) => {
    const { shutdownGracePeriodMs } = readExecutorEnvironment({
      ...variables,
      MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: text,
    });
    expect(shutdownGracePeriodMs).toBe(ms);
  });

  test.each([
    [{ MESOS_EXECUTOR_ID: undefined }, "MESOS_EXECUTOR_ID is not set"],
    [{ MESOS_FRAMEWORK_ID: "" }, "MESOS_FRAMEWORK_ID is not set"],
    [{ MESOS_SLAVE_PID: "slave(1)" }, "MESOS_SLAVE_PID is slave(1), must be like slave(1)@10.0.0.1:5051"],
    [{ MESOS_SLAVE_PID: "a b@h:1" }, "MESOS_SLAVE_PID is a b@h:1"],
    [{ MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: "5 secs" }, "is 5 secs, must be a duration like 2secs"],
  ])("is refused with %p", (change, message) => {
    expect(() => readExecutorEnvironment({ ...variables, ...change })).toThrow(message);
  });
});
