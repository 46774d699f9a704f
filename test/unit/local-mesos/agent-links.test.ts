import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../../src/base/random.ts";
import type { FromAgent } from "../../../src/local/mesos/agent-messages.ts";
import type { HttpAnswer, StreamAnswer } from "../../../src/local/mesos/http/answer.ts";
import { AgentLinks } from "../../../src/local/mesos/link/agent-links.ts";
import { encodeReport } from "../../../src/local/mesos/link/wire.ts";
import { AgentRegistry } from "../../../src/local/mesos/master/agent-registry.ts";
import type { AgentLink } from "../../../src/local/mesos/master/master-node.ts";
import { RecordIoDecoder } from "../../../src/mesos/recordio.ts";
import type { AgentId } from "../../../src/mesos/types.ts";
import { MemoryStore } from "../../../src/state/memory-store.ts";
import { sampleReports } from "../../support/mesos/link-samples.ts";
import { until } from "../../support/until.ts";

const known = "a-1" as AgentId; // that of the samples
const registered = sampleReports[0]!;
const update = sampleReports[1]!;

interface Linked {
  readonly id: string;
  readonly streamId: string;
  readonly answer: StreamAnswer;
  readonly orders: unknown[];
  ended: boolean;
}

/** A master's node that notes what it is told. */
class Harness {
  readonly links = new Map<AgentId, AgentLink>();
  readonly reports: FromAgent[] = [];
  readonly lost: string[] = [];
  readonly #made: AgentLinks;

  private constructor(registry: AgentRegistry, credentials?: ReadonlyMap<string, string>) {
    this.#made = new AgentLinks({
      node: {
        attach: (agentId, link) => void this.links.set(agentId, link),
        detach: (agentId) => void this.lost.push(agentId),
        report: (report) => void this.reports.push(report),
      },
      masterId: "m",
      registry,
      credentials,
      random: seededRandom(1),
      log: silentLogger,
    });
  }

  static async start(credentials?: ReadonlyMap<string, string>, store = new MemoryStore()): Promise<Harness> {
    return new Harness(await AgentRegistry.load(store), credentials);
  }

  post(path: string, body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
    const bytes = typeof body === "string" ? utf8(body) : body;
    const all = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const query = new URLSearchParams();
    return this.#made.handle({ method: "POST", path, query, headers: all, body: bytes, keepAlive: true });
  }

  link(agentId: string | null): Linked {
    const answer = this.post("/brigade/agent-link", JSON.stringify({ version: 1, agentId }));
    if (answer.type !== "stream") throw new Error("the link was refused");
    const records = new RecordIoDecoder();
    const linked: Linked = {
      id: answer.headers["Brigade-Agent-Id"] ?? "",
      streamId: answer.headers["Brigade-Stream-Id"] ?? "",
      answer,
      orders: [],
      ended: false,
    };
    answer.open({
      write: (chunk) => {
        for (const record of records.push(chunk)) linked.orders.push(JSON.parse(Buffer.from(record).toString()));
      },
      end: () => {
        linked.ended = true;
      },
    });
    return linked;
  }

  report(linked: Linked, body: Uint8Array | string): number {
    const answer = this.post("/brigade/agent-link/reports", body, { "Brigade-Stream-Id": linked.streamId });
    return answer.type === "plain" ? answer.status : 200;
  }

  async reported(...types: readonly string[]): Promise<void> {
    const said = (): string => this.reports.map(({ report }) => report.type).join();
    await until(() => said() === types.join(), `${types.join()} reached the master, so far ${said()}`);
  }
}

describe("a master's links to agents", () => {
  test("give new agents ids, and keep those of others", async () => {
    const harness = await Harness.start();
    expect([harness.link(null).id, harness.link("old-S7").id, harness.link(null).id]).toEqual([
      "m-S0",
      "old-S7",
      "m-S1",
    ]);
  });

  test("carry orders out and reports in, in order", async () => {
    const harness = await Harness.start();
    const linked = harness.link(known);
    expect(harness.report(linked, encodeReport(registered))).toBe(202);
    expect(harness.report(linked, encodeReport(update))).toBe(202);
    await harness.reported("registered", "update");
    harness.links.get(known)!.order({ type: "ping" });
    harness.links.get(known)!.order({ type: "shutdown" });
    expect(linked.orders).toEqual([{ type: "ping" }, { type: "shutdown" }]);
  });

  test("let nothing through before an agent is registered and written down", async () => {
    const gate = Promise.withResolvers<void>();
    class SlowStore extends MemoryStore {
      override async write(key: string, value: Uint8Array): Promise<void> {
        await gate.promise;
        await super.write(key, value);
      }
    }
    const harness = await Harness.start(undefined, new SlowStore());
    const linked = harness.link(known);
    expect(harness.report(linked, encodeReport(update))).toBe(202); // of one that is not registered: it is lost
    harness.report(linked, encodeReport(registered));
    harness.report(linked, encodeReport(update));
    expect(harness.reports).toEqual([]);
    gate.resolve();
    await harness.reported("registered", "update");
  });

  test("end where an agent cannot be written down", async () => {
    class FullStore extends MemoryStore {
      override write(): Promise<void> {
        return Promise.reject(new Error("the disk is full"));
      }
    }
    const harness = await Harness.start(undefined, new FullStore());
    const linked = harness.link(known);
    harness.report(linked, encodeReport(registered));
    await until(() => linked.ended, "the link ended");
    expect([harness.reports, harness.lost]).toEqual([[], [known]]);
  });

  test("belong to the agent's newest connection", async () => {
    const harness = await Harness.start();
    const first = harness.link(known);
    harness.report(first, encodeReport(registered));
    await harness.reported("registered");
    const second = harness.link(known);
    expect(first.ended).toBe(true);
    expect(harness.report(first, encodeReport(update))).toBe(403);
    first.answer.closed();
    harness.report(second, encodeReport(registered));
    await harness.reported("registered", "registered");
    harness.links.get(known)!.order({ type: "ping" });
    expect([first.orders.length, second.orders.length]).toEqual([0, 1]);
  });

  test("tell the master that an agent's connection broke, once", async () => {
    const harness = await Harness.start();
    const linked = harness.link(known);
    linked.answer.closed();
    linked.answer.closed();
    expect(harness.lost).toEqual([known]);
    expect(harness.report(linked, encodeReport(registered))).toBe(403);
  });

  test.each([
    ["", "it says no JSON"],
    ["null", "it speaks version none, must be 1"],
    ['{"version":2}', "it speaks version 2, must be 1"],
    ['{"version":1,"agentId":"a b"}', "its id is none"],
    ['{"version":1,"agentId":7}', "its id is none"],
    [`{"version":1,"agentId":"${"a".repeat(300)}"}`, "its id is none"],
  ])("are refused to who says %s", async (body, message) => {
    const answer = (await Harness.start()).post("/brigade/agent-link", body);
    if (answer.type !== "plain") throw new Error("it was accepted");
    expect([answer.status, Buffer.from(answer.body).toString()]).toEqual([400, expect.stringContaining(message)]);
  });

  test("refuse reports that are none, or another agent's", async () => {
    const harness = await Harness.start();
    const linked = harness.link("other");
    expect([harness.report(linked, "{"), harness.report(linked, encodeReport(registered))]).toEqual([400, 400]);
    expect(harness.post("/brigade/agent-link/reports", "{}")).toMatchObject({ status: 403 });
    expect(harness.post("/brigade/agent-link/more", "{}")).toMatchObject({ status: 404 });
    expect(harness.reports).toEqual([]);
  });

  test("are for those alone who know a secret, where there are any", async () => {
    const harness = await Harness.start(new Map([["agent", "hunter2"]]));
    const authorization = (text: string): Record<string, string> => ({
      Authorization: `Basic ${Buffer.from(text).toString("base64")}`,
    });
    const hello = '{"version":1}';
    expect(harness.post("/brigade/agent-link", hello)).toMatchObject({ status: 401 });
    expect(harness.post("/brigade/agent-link", hello, authorization("agent:no"))).toMatchObject({ status: 401 });
    expect(harness.post("/brigade/agent-link/reports", "{}")).toMatchObject({ status: 401 });
    expect(harness.post("/brigade/agent-link", hello, authorization("agent:hunter2")).type).toBe("stream");
  });
});
