import { describe, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { LinkProtocolError } from "../../../src/local/mesos/link/errors.ts";
import { decodeOrder, decodeReport, encodeOrder, encodeReport } from "../../../src/local/mesos/link/wire.ts";
import { sampleOrders, sampleReports } from "../../support/mesos/link-samples.ts";

describe("what master and agent say to each other", () => {
  test.each(sampleOrders.map((order, index) => [`${index} ${order.type}`, order] as const))(
    "order %s arrives as it was",
    (_name, order) => {
      expect(decodeOrder(encodeOrder(order))).toEqual(order);
    },
  );

  test.each(sampleReports.map((report) => [report.type, report] as const))(
    "report %s arrives as it was",
    (_name, report) => {
      expect(decodeReport(encodeReport(report))).toEqual(report);
    },
  );

  test.each([
    ["", "it is not JSON"],
    ["{", "it is not JSON"],
    ["null", "Cannot read report.type: it is missing, must be one of registered, update"],
    ["[]", "Cannot read report.type"],
    ['{"type":"toString"}', 'Cannot read report.type: it is "toString"'],
    ['{"type":"update","frameworkId":7}', "Cannot read report.frameworkId: it is 7, must be text"],
    ['{"type":"update","frameworkId":"f","status":"AAAA"}', "Cannot read report.status: it is no TaskStatus"],
    ['{"type":"executor-exited","frameworkId":"f","executorId":"e","waitStatus":"x"}', 'waitStatus: it is "x"'],
    [
      '{"type":"registered","info":"","endpoint":"","processName":"s","frameworks":[]}',
      "Cannot read report.info: it is no AgentInfo",
    ],
  ])("%s is refused as a report", (text, message) => {
    expect(() => decodeReport(utf8(text))).toThrow(message);
    expect(() => decodeReport(utf8(text))).toThrow(LinkProtocolError);
  });

  test("a task's state that does not exist is refused, wherever it stands", () => {
    const report = JSON.parse(Buffer.from(encodeReport(sampleReports[1]!)).toString()) as Record<string, unknown>;
    report["latestState"] = "TASK_LOSTT";
    expect(() => decodeReport(utf8(JSON.stringify(report)))).toThrow('latestState: it is "TASK_LOSTT", must be one of');
  });
});
