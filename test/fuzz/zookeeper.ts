import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { ZooKeeperProtocolError, ZooKeeperUnavailableError } from "../../src/zookeeper/errors.ts";
import { FrameSplitter, frame } from "../../src/zookeeper/frames.ts";
import { decodeConnectResponse } from "../../src/zookeeper/handshake.ts";
import { JuteReader } from "../../src/zookeeper/jute-reader.ts";
import { JuteWriter } from "../../src/zookeeper/jute-writer.ts";
import {
  checkNode,
  createNode,
  nodeExists,
  type Operation,
  readChildren,
  readNode,
  syncPath,
  transaction,
  writeNode,
} from "../../src/zookeeper/operations.ts";
import { decodeReply, decodeWatchEvent } from "../../src/zookeeper/replies.ts";
import { Session } from "../../src/zookeeper/session.ts";
import { encodedStat, expired, granted, reply, watchEvent } from "../support/zookeeper/server-messages.ts";
import { cut } from "./fuzz.ts";
import type { FuzzTarget } from "./target.ts";

/* What a ZooKeeper server may say to us: each decoder by itself, then a whole session. */

const refusals = [ZooKeeperProtocolError];
const none = new Uint8Array(0);

function body(operation: Operation<unknown>, sample: Uint8Array): FuzzTarget {
  return {
    name: `zookeeper/answer to ${operation.opcode === 14 ? "a transaction" : operation.action}`,
    samples: [sample],
    read: (input) => void operation.read(new JuteReader(input)),
    refusals,
  };
}

const listed = new JuteWriter().int(2).text("json.info_0000000001").text("log_replicas");
const done = new JuteWriter().int(1).boolean(false).int(0).text("/a").int(13).boolean(false).int(0);
const messages = [
  granted(7n, 10_000),
  reply(-2),
  reply(1, concatBytes([new JuteWriter().buffer(utf8("data")).finish(), encodedStat()])),
  reply(2, none, -101),
  watchEvent("children-changed", "/mesos"),
];

export const zooKeeperTargets: readonly FuzzTarget[] = [
  {
    name: "zookeeper/frames",
    samples: [concatBytes(messages.map(frame)), frame(none)],
    read(input, random) {
      const splitter = new FrameSplitter(10_000);
      for (const piece of cut(input, random)) splitter.push(piece);
    },
    refusals,
  },
  {
    name: "zookeeper/handshake",
    samples: [granted(-7n, 10_000), expired()],
    read: (input) => void decodeConnectResponse(input),
    refusals,
  },
  { name: "zookeeper/header", samples: messages, read: (input) => void decodeReply(input), refusals },
  {
    name: "zookeeper/watch event",
    samples: [watchEvent("deleted", "/a/b").subarray(16)],
    read: (input) => void decodeWatchEvent(input),
    refusals,
  },
  body(createNode("/a", none, "open"), new JuteWriter().text("/a").finish()),
  body(readNode("/a", false), concatBytes([new JuteWriter().buffer(utf8("data")).finish(), encodedStat()])),
  body(nodeExists("/a", false), encodedStat()),
  body(writeNode("/a", none, 0), encodedStat()),
  body(syncPath("/a"), new JuteWriter().text("/a").finish()),
  body(readChildren("/a", false), concatBytes([listed.finish(), encodedStat()])),
  body(transaction([createNode("/a", none, "open"), checkNode("/b", 1)]), done.int(-1).boolean(true).int(-1).finish()),
  {
    name: "zookeeper/session",
    samples: [concatBytes(messages.map(frame)), concatBytes([granted(7n, 1), reply(1), expired()].map(frame))],
    read: readAsSession,
    refusals,
  },
];

/** A session takes whatever comes for an answer, and is in the end where it can go on from. */
function readAsSession(input: Uint8Array): void {
  const session = new Session({
    serverCount: 2,
    sessionTimeoutMs: 9000,
    connectTimeoutMs: 2000,
    requestTimeoutMs: 5000,
    maxWaitingBytes: 10_000,
    credentials: "user:password",
    abandon: true,
  });
  session.step({ type: "start" }, 0);
  session.step({ type: "opened" }, 0);
  for (const id of [1, 2]) session.step({ type: "request", request: { id, opcode: 4, body: none } }, 0);
  const splitter = new FrameSplitter(10_000);
  let nowMs = 0;
  for (const message of splitter.push(input)) {
    session.step({ type: "message", message }, ++nowMs);
    if (session.phase.type === "connecting") session.step({ type: "opened" }, nowMs);
    if (session.phase.type === "pausing") session.step({ type: "paused" }, nowMs);
  }
  session.step({ type: "lost", error: new ZooKeeperUnavailableError("the test is over", false) }, nowMs);
  const { type } = session.phase;
  if (type !== "connecting" && type !== "pausing" && type !== "ended") throw new Error(`the session is ${type}`);
}
