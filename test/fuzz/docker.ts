import { concatBytes, showUtf8, utf8 } from "../../src/base/bytes.ts";
import { InputError } from "../../src/base/errors.ts";
import { HttpProtocolError } from "../../src/mesos/errors.ts";
import { HttpResponseParser } from "../../src/mesos/http-response-parser.ts";
import { parseHelperAnswer } from "../../src/programs/docker/credential-helper.ts";
import { field, number, parseAnswer, refusalText, text, texts } from "../../src/programs/docker/engine-answers.ts";
import { EngineLostError } from "../../src/programs/docker/errors.ts";
import { parseImageName } from "../../src/programs/docker/image-name.ts";
import { PullProgress } from "../../src/programs/docker/pull-progress.ts";
import { ContainerStreamError, StreamDemultiplexer } from "../../src/programs/docker/stream-demultiplexer.ts";
import { cut } from "./fuzz.ts";
import type { FuzzTarget } from "./target.ts";

/* What the Docker Engine and the programs in its containers may say to us. */

function part(type: number, content: string): Uint8Array {
  return concatBytes([Uint8Array.of(type, 0, 0, 0, 0, 0, 0, content.length), utf8(content)]);
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";

export const dockerTargets: readonly FuzzTarget[] = [
  {
    name: "docker/output of a container",
    samples: [concatBytes([part(1, "out"), part(2, "error"), part(1, ""), part(1, "x".repeat(200))])],
    read(input, random) {
      let bytes = 0;
      const count = (piece: Uint8Array): void => void (bytes += piece.byteLength);
      const streams = new StreamDemultiplexer({ stdout: count, stderr: count });
      for (const piece of cut(input, random)) streams.push(piece);
      if (bytes > input.byteLength) throw new Error("more comes out than went in");
      const failure = streams.failureAtEnd();
      if (failure !== undefined) throw failure;
    },
    refusals: [ContainerStreamError],
  },
  {
    name: "docker/attached container over HTTP",
    samples: [concatBytes([utf8(head), part(1, "out"), part(2, "error")])],
    read(input, random) {
      const parser = new HttpResponseParser();
      const nothing = (): void => undefined;
      const streams = new StreamDemultiplexer({ stdout: nothing, stderr: nothing });
      for (const piece of cut(input, random)) {
        for (const event of parser.push(piece)) if (event.type === "data") streams.push(event.data);
      }
      parser.finish();
    },
    refusals: [ContainerStreamError, HttpProtocolError],
  },
  {
    name: "docker/progress of a pull",
    samples: [
      '{"status":"Pulling from library/busybox","id":"latest"}\r\n{"status":"Downloading","id":"a","progressDetail":{"current":5,"total":9}}\n{"status":"Pull complete","id":"a"}\n',
      '{"errorDetail":{"message":"no"},"error":"no"}\n',
    ].map(utf8),
    read(input, random) {
      const progress = new PullProgress();
      for (const piece of cut(input, random)) progress.push(piece);
      void progress.summary;
    },
    refusals: [],
  },
  {
    name: "docker/answers of the Engine",
    samples: [utf8('{"Id":"abc","Warnings":["w"],"State":{"ExitCode":0},"message":"No such image"}')],
    read(input) {
      refusalText(showUtf8(input));
      const answer = parseAnswer(showUtf8(input), "ask");
      text(field(answer, "Id", "ask"), "ask");
      texts(field(answer, "Warnings", "ask"));
      number(field(field(answer, "State", "ask"), "ExitCode", "ask"));
    },
    refusals: [EngineLostError],
  },
  {
    name: "docker/answer of a credential helper",
    samples: [utf8('{"ServerURL":"r","Username":"<token>","Secret":"s"}')],
    read: (input) => void parseHelperAnswer(showUtf8(input)),
    refusals: [],
  },
  {
    name: "docker/image name",
    samples: ["registry.example:5000/team/app:1.2", "app@sha256:0123", "busybox"].map(utf8),
    read: (input) => void parseImageName(showUtf8(input)),
    refusals: [InputError],
  },
];
