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

test("where operators have to authenticate too, nobody else reads or changes anything", async () => {
  await using mesos = await startTestMesos({ credentials, authenticateReadonly: true });
  const { host, port } = mesos.address;
  const ask = async (path: string, call?: object, secret?: string): Promise<readonly unknown[]> => {
    const headers = {
      "Content-Type": "application/json",
      ...(secret === undefined ? {} : { Authorization: `Basic ${btoa(`brigade:${secret}`)}` }),
    };
    const init = call === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(call) };
    const answer = await fetch(`http://${host}:${port}${path}`, init);
    await answer.arrayBuffer();
    return [answer.status, answer.headers.get("www-authenticate")];
  };
  const teardown = { type: "TEARDOWN", teardown: { framework_id: { value: "none" } } };
  for (const path of ["/api/v1", "/master/api/v1"]) {
    for (const call of [{ type: "GET_STATE" }, teardown]) {
      for (const secret of [undefined, "wrong"]) {
        expect(await ask(path, call, secret)).toEqual([401, 'Basic realm="mesos-master-readwrite"']);
      }
    }
  }
  expect(await ask("/api/v1", { type: "GET_STATE" }, "s3cret")).toEqual([200, null]);
  expect(await ask("/api/v1", teardown, "s3cret")).toEqual([400, null]);
  expect(await ask("/state")).toEqual([401, 'Basic realm="mesos-master-readonly"']);
  expect(await ask("/state", undefined, "s3cret")).toEqual([200, null]);
  expect(await ask("/health")).toEqual([200, null]);
});
