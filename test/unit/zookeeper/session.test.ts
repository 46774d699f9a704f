import { describe, expect, test } from "bun:test";
import { type SessionEndedError, ZooKeeperUnavailableError } from "../../../src/zookeeper/errors.ts";
import {
  Session,
  type SessionCommand,
  type SessionEvent,
  type SessionSettings,
} from "../../../src/zookeeper/session.ts";
import {
  expired,
  granted,
  password,
  readHello,
  readRequest,
  reply,
  watchEvent,
} from "../../support/zookeeper/server-messages.ts";

const settings: SessionSettings = {
  serverCount: 1,
  sessionTimeoutMs: 9000,
  connectTimeoutMs: 2000,
  requestTimeoutMs: 5000,
  maxWaitingBytes: 10_000,
  credentials: undefined,
  abandon: false,
};
const gone: SessionEvent = { type: "lost", error: new ZooKeeperUnavailableError("gone", false) };
const opcodes = { read: 4, ping: 11, auth: 100, close: -11 } as const;

/** A session and a time that the test moves; the machine is told of it whenever it asked for that. */
class Driver {
  readonly session: Session;
  nowMs = 0;

  constructor(changed: Partial<SessionSettings> = {}) {
    this.session = new Session({ ...settings, ...changed });
  }

  step(event: SessionEvent): SessionCommand[] {
    return this.session.step(event, this.nowMs);
  }

  message(message: Uint8Array): SessionCommand[] {
    return this.step({ type: "message", message });
  }

  ask(id: number, bytes = 0): SessionCommand[] {
    return this.step({ type: "request", request: { id, opcode: opcodes.read, body: new Uint8Array(bytes) } });
  }

  /** Until then, with all that comes of it. */
  advanceTo(ms: number): SessionCommand[] {
    const commands: SessionCommand[] = [];
    for (;;) {
      const due = this.session.wakeAtMs;
      if (due === undefined || due > ms) break;
      this.nowMs = Math.max(this.nowMs, due);
      const before = due;
      commands.push(...this.step({ type: "time" }));
      if (this.session.wakeAtMs === before) throw new Error(`it wants to be woken at ${before} for ever`);
    }
    this.nowMs = ms;
    return commands;
  }

  connect(id = 7n, sessionTimeoutMs = 9000): SessionCommand[] {
    return [...this.step({ type: "opened" }), ...this.message(granted(id, sessionTimeoutMs))];
  }

  static connected(changed: Partial<SessionSettings> = {}): Driver {
    const driver = new Driver(changed);
    driver.step({ type: "start" });
    driver.connect();
    return driver;
  }
}

const types = (commands: readonly SessionCommand[]): string[] =>
  commands.map((command) => (command.type === "emit" ? command.news.type : command.type));

function sent(commands: readonly SessionCommand[]): Uint8Array[] {
  return commands.flatMap((command) => (command.type === "send" ? [command.message] : []));
}

function failures(commands: readonly SessionCommand[]): (readonly [id: number, mayBeDone: boolean | string])[] {
  return commands.flatMap((command) => {
    if (command.type !== "fail") return [];
    const { error, id } = command;
    return [[id, error instanceof ZooKeeperUnavailableError ? error.mayBeDone : (error as SessionEndedError).end]];
  });
}

describe("a session begins", () => {
  test("by asking for one, without an identity", () => {
    const driver = new Driver();
    expect(driver.step({ type: "start" })).toEqual([{ type: "open", server: 0 }]);
    const [hello] = sent(driver.step({ type: "opened" }));
    expect(readHello(hello!)).toEqual({
      lastZxid: 0n,
      sessionTimeoutMs: 9000,
      sessionId: 0n,
      password: new Uint8Array(16),
    });
    expect(driver.message(granted(7n, 6000))).toEqual([
      { type: "emit", news: { type: "connected", server: 0, isNew: true, sessionTimeoutMs: 6000 } },
    ]);
    expect(driver.session.identity).toEqual({ id: 7n, password });
  });

  test("with credentials before anything else is asked", () => {
    const driver = new Driver({ credentials: "user:secret" });
    driver.step({ type: "start" });
    driver.ask(1);
    const messages = sent(driver.connect()).slice(1);
    expect(messages.map((message) => readRequest(message))).toMatchObject([
      { xid: -4, opcode: opcodes.auth },
      { xid: 1, opcode: opcodes.read },
    ]);
    expect(Buffer.from(messages[0]!).toString("latin1")).toEndWith("digest\0\0\0\u000buser:secret");
  });

  test("and ends where the credentials are refused", () => {
    const driver = Driver.connected({ credentials: "user:secret" });
    driver.ask(1);
    const commands = driver.message(reply(-4, undefined, -115));
    expect(types(commands)).toEqual(["drop", "fail", "watches-lost", "ended"]);
    expect(failures(commands)).toEqual([[1, "refused"]]);
    expect(JSON.stringify(commands, (_, value) => (value instanceof Error ? value.message : value))).not.toContain(
      "secret",
    );
  });

  test("at the next server where one does not answer in time", () => {
    const driver = new Driver({ serverCount: 3 });
    driver.step({ type: "start" });
    expect(types(driver.advanceTo(1999))).toEqual([]);
    expect(driver.advanceTo(2000)).toMatchObject([
      { type: "drop" },
      { type: "emit", news: { type: "disconnected" } },
      { type: "open", server: 1 },
    ]);
    driver.step({ type: "opened" });
    expect(driver.step(gone).at(-1)).toEqual({ type: "open", server: 2 });
    expect(driver.step(gone).at(-1)).toEqual({ type: "pause", attempt: 1 });
    expect(driver.step({ type: "paused" })).toEqual([{ type: "open", server: 0 }]);
    expect(driver.step(gone).at(-1)).toEqual({ type: "pause", attempt: 2 });
  });
});

describe("requests", () => {
  test("are sent in the order of asking, and answered in it", () => {
    const driver = Driver.connected();
    const messages = sent([...driver.ask(11), ...driver.ask(12)]).map(readRequest);
    expect(messages).toMatchObject([{ xid: 1 }, { xid: 2 }]);
    expect(driver.message(reply(1, Uint8Array.of(5)))).toEqual([
      { type: "answer", id: 11, errorCode: 0, body: Uint8Array.of(5) },
    ]);
    expect(driver.message(reply(2, undefined, -101))).toMatchObject([{ type: "answer", id: 12, errorCode: -101 }]);
  });

  test("wait for a connection", () => {
    const driver = new Driver();
    driver.ask(1);
    driver.step({ type: "start" });
    driver.ask(2);
    const messages = sent(driver.connect()).slice(1).map(readRequest);
    expect(messages.map(({ xid }) => xid)).toEqual([1, 2]);
  });

  test("that were under way when the connection broke may be done; those that waited are sent over the next", () => {
    const driver = Driver.connected();
    driver.ask(1);
    const commands = driver.step(gone);
    driver.ask(2);
    expect(failures(commands)).toEqual([[1, true]]);
    driver.step({ type: "paused" });
    expect(sent(driver.connect()).slice(1).map(readRequest)).toMatchObject([{ xid: 2 }]);
  });

  test("have a deadline, with and without a connection", () => {
    const driver = Driver.connected();
    driver.ask(1);
    driver.nowMs = 1000;
    driver.ask(2);
    driver.message(watchEvent("created", "/a")); // not silent
    expect(failures(driver.advanceTo(4999))).toEqual([]);
    expect(failures(driver.advanceTo(5000))).toEqual([[1, true]]);
    expect(failures(driver.advanceTo(6000))).toEqual([[2, true]]);

    const waiting = new Driver();
    waiting.ask(1);
    waiting.step({ type: "start" });
    expect(failures(waiting.advanceTo(5000))).toEqual([[1, false]]);
  });

  test("whose asker has given up keep their place in the order", () => {
    const driver = Driver.connected();
    driver.ask(1);
    driver.advanceTo(5000);
    driver.ask(2);
    expect(driver.message(reply(1))).toEqual([]);
    expect(driver.message(reply(2))).toMatchObject([{ type: "answer", id: 2 }]);
  });

  test("are bounded in their bytes, also those whose askers have given up", () => {
    const driver = Driver.connected({ maxWaitingBytes: 1000 });
    expect(types(driver.ask(1, 300))).toEqual(["send"]);
    expect(types(driver.ask(2, 300))).toEqual(["send"]);
    expect(failures(driver.ask(3))).toEqual([[3, false]]);
    driver.advanceTo(5000);
    expect(failures(driver.ask(4))).toEqual([[4, false]]);
    driver.message(reply(1));
    expect(types(driver.ask(5))).toEqual(["send"]);
  });

  test("go to another server where this one says that the session moved", () => {
    const driver = Driver.connected({ serverCount: 2 });
    driver.ask(1);
    driver.ask(2);
    const commands = driver.message(reply(1, undefined, -118));
    expect(failures(commands)).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(driver.session.phase).toMatchObject({ type: "connecting", server: 1 });
  });
});

describe("a connection", () => {
  test("is pinged when nothing else is sent, and given up when it stays silent", () => {
    const driver = Driver.connected();
    const pings = driver.advanceTo(5999);
    expect(sent(pings).map(readRequest)).toMatchObject([{ xid: -2, opcode: opcodes.ping }]);
    expect(types(driver.advanceTo(6000))).toEqual(["drop", "watches-lost", "disconnected", "pause"]);
  });

  test("lives as long as pings are answered", () => {
    const driver = Driver.connected();
    for (let ms = 3000; ms <= 60_000; ms += 3000) {
      expect(types(driver.advanceTo(ms))).toEqual(["send"]);
      driver.message(reply(-2));
    }
  });

  test("tells of watches, and is silent about kinds of events that nobody asked for", () => {
    const driver = Driver.connected();
    expect(driver.message(watchEvent("deleted", "/a"))).toEqual([
      { type: "watch", event: { type: "deleted", path: "/a" } },
    ]);
    const unknown = watchEvent("deleted", "/a");
    unknown[19] = 77;
    expect(driver.message(unknown)).toEqual([]);
  });

  test.each([
    ["an answer to nothing", reply(1)],
    ["an answer to another request", reply(2)],
    ["half a header", Uint8Array.of(0, 0, 0)],
    ["an event without a path", reply(-1, new Uint8Array(12))],
    ["text", Buffer.from("HTTP/1.1 400 Bad Request")],
  ])("that brings %s is dropped", (_name, message) => {
    const driver = Driver.connected();
    if (_name.includes("another")) driver.ask(1);
    expect(types(driver.message(message))).toContain("drop");
    expect(driver.session.phase.type).toBe("pausing");
  });

  test("whose first message is garbage is dropped, and the next server tried", () => {
    const driver = new Driver({ serverCount: 2 });
    driver.step({ type: "start" });
    driver.step({ type: "opened" });
    expect(types(driver.message(Uint8Array.of(1)))).toEqual(["drop", "disconnected", "open"]);
  });

  test("on which nothing is ever answered makes for longer and longer pauses, granted or not", () => {
    const driver = new Driver();
    driver.step({ type: "start" });
    for (let attempt = 1; attempt <= 5; attempt++) {
      driver.connect();
      expect(driver.step(gone).at(-1)).toEqual({ type: "pause", attempt });
      driver.step({ type: "paused" });
    }
    driver.connect();
    driver.ask(1);
    driver.message(reply(1));
    expect(driver.step(gone).at(-1)).toEqual({ type: "pause", attempt: 1 });
  });

  test("that is replaced takes the session up again, with the newest transaction that was seen", () => {
    const driver = Driver.connected();
    driver.ask(1);
    driver.message(reply(1, undefined, 0, 99n));
    driver.step(gone);
    driver.step({ type: "paused" });
    const [hello] = sent(driver.step({ type: "opened" }));
    expect(readHello(hello!)).toMatchObject({ lastZxid: 99n, sessionId: 7n, password });
    expect(driver.message(granted(7n, 9000))).toMatchObject([{ news: { type: "connected", isNew: false } }]);
  });
});

describe("a session ends", () => {
  test("when ZooKeeper says that it has expired", () => {
    const driver = Driver.connected();
    driver.step(gone);
    driver.ask(1);
    driver.step({ type: "paused" });
    driver.step({ type: "opened" });
    const commands = driver.message(expired());
    expect(types(commands)).toEqual(["drop", "fail", "watches-lost", "ended"]);
    expect(failures(commands)).toEqual([[1, "expired"]]);
    expect(failures(driver.ask(2))).toEqual([[2, "expired"]]);
    expect(driver.session.wakeAtMs).toBeUndefined();
  });

  test("not by itself, however long no server answers", () => {
    const driver = Driver.connected();
    driver.step(gone);
    expect(driver.session.wakeAtMs).toBeUndefined();
    driver.advanceTo(3_600_000);
    expect(driver.session.phase.type).toBe("pausing");
  });

  test("where it is to be abandoned, the session's time after what was last answered had been sent", () => {
    const driver = Driver.connected({ abandon: true });
    driver.nowMs = 1000;
    driver.ask(1);
    driver.nowMs = 4000;
    driver.message(reply(1));
    driver.step(gone);
    expect(types(driver.advanceTo(9999))).toEqual([]);
    const commands = driver.advanceTo(10_000);
    expect(types(commands)).toEqual(["drop", "watches-lost", "ended"]);
    expect(driver.session.phase).toMatchObject({ error: { end: "abandoned" } });
  });

  test("where it is to be abandoned, also while a server takes its time to be connected", () => {
    const driver = new Driver({ abandon: true, connectTimeoutMs: 60_000 });
    driver.step({ type: "start" });
    expect(types(driver.advanceTo(9000))).toEqual(["drop", "watches-lost", "ended"]);
  });

  test("when it is closed: what was asked is answered first", () => {
    const driver = Driver.connected();
    driver.ask(1);
    const [close] = sent(driver.step({ type: "close" }));
    expect(readRequest(close!)).toMatchObject({ xid: 2, opcode: opcodes.close });
    expect(types(driver.message(reply(1)))).toEqual(["answer"]);
    expect(failures(driver.ask(2))).toEqual([[2, "closed"]]);
    expect(types(driver.message(reply(2)))).toEqual(["drop", "watches-lost", "ended"]);
  });

  test("when it is closed, without waiting long for a server that does not answer", () => {
    const driver = Driver.connected();
    driver.step({ type: "close" });
    expect(types(driver.advanceTo(2000))).toEqual(["drop", "watches-lost", "ended"]);
  });

  test("when it is closed while there is no connection", () => {
    const driver = Driver.connected();
    driver.step(gone);
    expect(types(driver.step({ type: "close" }))).toEqual(["drop", "watches-lost", "ended"]);
    expect(driver.step({ type: "paused" })).toEqual([]);
    expect(driver.step({ type: "close" })).toEqual([]);
  });
});
