import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { standbyAnswer } from "../../../src/local/mesos/election/standby.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { readRecording } from "../../support/mesos-recordings.ts";

const leader = { id: "m", ip: 16_777_343, port: 7301, hostname: "127.0.0.1" };
/** The port of the master that stands by in the recording. */
const standby = "127.0.0.1:7300";

const get = (path: string, query = ""): HttpRequest => ({
  method: "GET",
  path,
  query: new URLSearchParams(query),
  headers: new Map(),
  body: new Uint8Array(),
  keepAlive: true,
});

const { lines } = readRecording("20-leader");
const asked = lines.filter(({ kind, headers, t }) => kind === "request" && headers?.["Host"] === standby && t < 23);
const recorded = asked.map(({ conn, path = "" }) => {
  const answer = lines.find((line) => line.conn === conn && line.kind === "response-head");
  return [path, answer?.status ?? 0, answer?.headers?.["Location"]] as const;
});

test.each(recorded)(
  "%s is answered by a master that stands by with %p %p, as by a real one",
  (path, status, location) => {
    const answer = standbyAnswer(get(path), leader);
    expect(answer).toMatchObject({ type: "plain", status });
    expect(answer.headers["Location"]).toBe(location);
  },
);

test("the recording has something to say of it", () => expect(recorded.length).toBeGreaterThan(8));

test("while nobody leads there is nobody to send to", () => {
  const answer = standbyAnswer(get("/api/v1/scheduler"), undefined);
  expect(answer).toMatchObject({ type: "plain", status: 503, body: utf8("No leader elected") });
  expect(standbyAnswer(get("/master/health"), undefined)).toMatchObject({ status: 200 });
});

test("what no master knows is not there", () => {
  expect(standbyAnswer(get("/nothing"), leader)).toMatchObject({ type: "plain", status: 404 });
});

test("a query goes with the path, and a path cannot add a header", () => {
  const { headers } = standbyAnswer(get("/api/v1/x\r\nSet-Cookie: x", "path=/a b&limit=3"), leader);
  expect(headers["Location"]).toBe("//127.0.0.1:7301/master/api/v1/x%0D%0ASet-Cookie:%20x?path=%2Fa+b&limit=3");
});

test("an agent is sent to the leading master as well", () => {
  const { headers } = standbyAnswer(get("/brigade/agent-link"), leader);
  expect(headers["Location"]).toBe("//127.0.0.1:7301/brigade/agent-link");
});
