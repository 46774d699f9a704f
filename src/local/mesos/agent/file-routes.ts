import { basename } from "node:path";
import { concatBytes, utf8 } from "../../../base/bytes.ts";
import { type HttpAnswer, type PlainAnswer, textAnswer } from "../http/answer.ts";
import type { HttpRequest } from "../http/request-parser.ts";
import { oldJsonAnswer } from "../routing.ts";
import { double } from "../views/old-json.ts";
import type { AgentState } from "./agent-state.ts";
import { attachedFolders, type FoundFile, findFile, listFiles, printMode, readFile } from "./sandbox-files.ts";

/** `GET /files/…`: what executors and their commands have written. undefined: no such path. */
export function fileAnswer(request: HttpRequest, path: string, state: Readonly<AgentState>): HttpAnswer | undefined {
  if (path === "/files/debug") {
    return oldJsonAnswer(request, Object.fromEntries([...attachedFolders(state)].sort(([a], [b]) => (a < b ? -1 : 1))));
  }
  if (path !== "/files/browse" && path !== "/files/read" && path !== "/files/download") return undefined;
  const asked = request.query.get("path");
  if (asked === null || asked === "") return textAnswer(400, "Expecting 'path=value' in query.\n");
  const found = findFile(state, asked);
  const refused = refusalOf(found, asked);
  if (refused !== undefined || found.type !== "found") return refused ?? textAnswer(404, "");
  if (path === "/files/browse") {
    const files = listFiles(found, asked).map(({ mode, mtime, ...rest }) => {
      return { ...rest, mode: printMode(mode), mtime: double(mtime) };
    });
    return oldJsonAnswer(request, files);
  }
  if (found.stats.isDirectory()) {
    return textAnswer(400, path === "/files/read" ? "Cannot read a directory.\n" : "Cannot download a directory.\n");
  }
  if (path === "/files/download") {
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Disposition": `attachment; filename=${basename(asked).replace(/[^\w.@+-]/g, "_")}`,
    };
    return { type: "file", path: found.path, size: found.stats.size, headers };
  }
  return readAnswer(request, found.path);
}

/** Why a path is not served; undefined where it is. Shared with the operator API. */
export function refusalOf(found: FoundFile, asked: string): PlainAnswer | undefined {
  if (found.type === "missing") return textAnswer(404, "");
  return found.type === "inaccessible" ? textAnswer(400, `'${asked}' is inaccessible.\n`) : undefined;
}

function readAnswer(request: HttpRequest, path: string): HttpAnswer {
  const offset = numberOf(request.query.get("offset"), -1);
  const length = numberOf(request.query.get("length"), undefined);
  if (offset === "invalid" || (offset !== undefined && offset < -1)) {
    return textAnswer(400, `Failed to parse offset: ${request.query.get("offset")}.\n`);
  }
  if (length === "invalid" || (length !== undefined && length < -1)) {
    return textAnswer(400, `Failed to parse length: ${request.query.get("length")}.\n`);
  }
  // Without an offset only the size is told.
  if (offset === undefined || offset === -1)
    return oldJsonAnswer(request, { data: "", offset: readFile(path, 0, 0).size });
  const { data } = readFile(path, offset, length === -1 ? undefined : length);
  const body = concatBytes([utf8('{"data":"'), escaped(data), utf8(`","offset":${offset}}`)]);
  return { type: "plain", status: 200, headers: { "Content-Type": "application/json" }, body };
}

function numberOf(text: string | null, fallback: number | undefined): number | "invalid" | undefined {
  if (text === null || text === "") return fallback;
  return /^-?\d{1,15}$/.test(text) ? Number(text) : "invalid";
}

/** As the text of a JSON string, byte for byte: what is not ASCII stays as it is, whatever encoding it has. */
function escaped(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  // JSON's own escapes are ASCII, and every byte is one letter here.
  return Buffer.from(JSON.stringify(text).slice(1, -1), "latin1");
}
