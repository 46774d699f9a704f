import { expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { systemRandom } from "../../../src/base/random.ts";
import { HostListLocator } from "../../../src/mesos/master-locator.ts";
import { SchedulerConnection } from "../../../src/mesos/scheduler-connection.ts";
import type { SchedulerConnectionEvent } from "../../../src/mesos/scheduler-subscription.ts";
import { startTestMesos } from "../../support/mesos/embedded.ts";
import { until } from "../../support/until.ts";

const credentials = new Map([
  ["brigade", "s3cret"],
  ["other", "0ther"],
]);

async function firstEvent(
  address: { readonly host: string; readonly port: number },
  given: { readonly principal: string; readonly secret: string } | undefined,
): Promise<SchedulerConnectionEvent> {
  const events: SchedulerConnectionEvent[] = [];
  const connection = new SchedulerConnection({
    masters: new HostListLocator([address]),
    subscribe: () => ({ type: "SUBSCRIBE", frameworkInfo: { user: "root", name: "n" } }),
    ...(given === undefined ? {} : { credentials: given }),
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onEvent: (event) => events.push(event),
  });
  connection.start();
  const event = await until(() => events[0], "something is said");
  connection.close();
  return event;
}

test("where credentials are given, who has none of them cannot subscribe", async () => {
  await using mesos = await startTestMesos({ credentials });
  const right = { principal: "brigade", secret: "s3cret" };
  expect(await firstEvent(mesos.address, right)).toMatchObject({ type: "subscribed" });
  for (const wrong of [undefined, { ...right, secret: "0ther" }, { ...right, principal: "nobody" }]) {
    expect(await firstEvent(mesos.address, wrong)).toMatchObject({ type: "ended", reason: "refused" });
  }
  // To look is free, as with a real master unless it is told otherwise.
  expect((await fetch(`http://${mesos.address.host}:${mesos.address.port}/state`)).status).toBe(200);
});
