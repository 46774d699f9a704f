import { gunzipSync } from "node:zlib";
import { CodecError, type ContentType } from "../../../mesos/codec.ts";
import { type PlainAnswer, textAnswer, wrongMethod } from "./answer.ts";
import { type HttpRequest, LARGEST_BODY_BYTES } from "./request-parser.ts";

const JSON_TYPE: ContentType = "application/json";
const PROTOBUF_TYPE: ContentType = "application/x-protobuf";

export type ReadCall<T> = { readonly call: T; readonly type: ContentType } | { readonly refusal: PlainAnswer };

/**
 * The call in a request's body, or the answer that Mesos gives to a request that holds none.
 *
 * @param name of the message in Mesos' texts: `scheduler::Call`
 */
export function readCall<T>(
  request: HttpRequest,
  name: string,
  decode: (bytes: Uint8Array, type: ContentType) => T,
): ReadCall<T> {
  if (request.method !== "POST") return { refusal: wrongMethod(request.method, "POST") };
  const body = unpacked(request);
  if (body === undefined) return { refusal: textAnswer(500, "failed to decode body") };
  const type = request.headers.get("content-type");
  if (type === undefined) return { refusal: textAnswer(400, "Expecting 'Content-Type' to be present") };
  // Compared byte for byte: a charset behind it is refused, as by Mesos.
  if (type !== JSON_TYPE && type !== PROTOBUF_TYPE) {
    return { refusal: textAnswer(415, `Expecting 'Content-Type' of ${JSON_TYPE} or ${PROTOBUF_TYPE}`) };
  }
  try {
    return { call: decode(body, type), type };
  } catch (error) {
    if (error instanceof CodecError) return { refusal: codecRefusal(error, name, type) };
    throw error;
  }
}

/** The type of a stream for this client: JSON wherever it is acceptable, undefined where neither type is. */
export function acceptedType(request: HttpRequest): ContentType | undefined {
  const accept = request.headers.get("accept");
  if (accept === undefined) return JSON_TYPE;
  const ranges = accept.toLowerCase().split(",").map(parseRange);
  const allows = (type: ContentType): boolean =>
    ranges.some(({ range, refused }) => !refused && (range === type || range === "application/*" || range === "*/*"));
  return allows(JSON_TYPE) ? JSON_TYPE : allows(PROTOBUF_TYPE) ? PROTOBUF_TYPE : undefined;
}

export const notAcceptable: PlainAnswer = textAnswer(
  406,
  `Expecting 'Accept' to allow '${PROTOBUF_TYPE}' or '${JSON_TYPE}'`,
);

function parseRange(text: string): { readonly range: string; readonly refused: boolean } {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim());
  return { range, refused: parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) };
}

function unpacked({ headers, body }: HttpRequest): Uint8Array | undefined {
  if (headers.get("content-encoding") !== "gzip") return body;
  try {
    return gunzipSync(body, { maxOutputLength: LARGEST_BODY_BYTES });
  } catch {
    return undefined;
  }
}

function codecRefusal({ problem, detail }: CodecError, name: string, type: ContentType): PlainAnswer {
  switch (problem) {
    case "invalid":
      return textAnswer(400, `Failed to validate ${name}: ${detail}`);
    case "unsupported":
      return textAnswer(501, `${detail} is not supported by Brigade's embedded Mesos`);
    case "malformed":
    case "mismatched":
      if (type === PROTOBUF_TYPE) return textAnswer(400, "Failed to parse body into Call protobuf");
      return textAnswer(
        400,
        problem === "malformed"
          ? `Failed to parse body into JSON: ${detail}`
          : `Failed to convert JSON into Call protobuf: ${detail}`,
      );
  }
}
