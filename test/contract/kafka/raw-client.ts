import { type ApiGrammar, grammars } from "./grammars.ts";
import { decode, encode, type WireValue } from "./wire-grammar.ts";

/**
 * A connection that sends exactly what a test wants, byte for byte where need be. Answers are matched by their order,
 * as the protocol promises it.
 */
export interface RawClient extends AsyncDisposable {
  /** Sends a request of a grammar, in the newest version that both sides know unless told, and reads its answer. */
  call(api: ApiGrammar, request: WireValue, version?: number): Promise<WireValue>;
  /** Sends a request without waiting for its answer. */
  post(api: ApiGrammar, request: WireValue, version?: number): void;
  sendBytes(bytes: Uint8Array): void;
  /** The next answer as it came, without its length. */
  nextFrame(): Promise<Buffer>;
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>;
}

let lastCorrelationId = 0;

export function requestBytes(api: ApiGrammar, request: WireValue, version: number, correlationId: number): Buffer {
  const flexible = version >= api.flexibleFrom;
  const header = Buffer.alloc(8);
  header.writeInt16BE(api.apiKey, 0);
  header.writeInt16BE(version, 2);
  header.writeInt32BE(correlationId, 4);
  const clientId = Buffer.from("\0\x03raw", "latin1");
  const tags = flexible ? Buffer.of(0) : Buffer.alloc(0);
  const body = Buffer.concat([header, clientId, tags, encode(api.request, request, version, flexible)]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.byteLength);
  return Buffer.concat([length, body]);
}

/** Newest versions that a broker serves, by the number of the request. */
export type NewestVersions = ReadonlyMap<number, number>;

/** Asks a broker which versions it serves. */
export async function askVersions(address: BrokerAddress): Promise<NewestVersions> {
  await using client = await connectRaw(address);
  const { apis } = await client.call(
    grammars.apiVersions,
    { clientSoftwareName: "raw", clientSoftwareVersion: "1" },
    3,
  );
  return new Map((apis as WireValue[]).map(({ apiKey, maxVersion }) => [Number(apiKey), Number(maxVersion)]));
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** @param newest what the broker serves; without it the newest versions of the grammars are taken */
export async function connectRaw(address: BrokerAddress, newest: NewestVersions = new Map()): Promise<RawClient> {
  const versionOf = ({ apiKey, versions }: ApiGrammar): number =>
    Math.min(versions[1], newest.get(apiKey) ?? Number.POSITIVE_INFINITY);
  const waiting: ((frame: Buffer) => void)[] = [];
  const frames: Buffer[] = [];
  let received = Buffer.alloc(0);
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: address.host,
    port: address.port,
    socket: {
      data(_, chunk) {
        received = Buffer.concat([received, chunk]);
        while (received.byteLength >= 4 && received.byteLength >= 4 + received.readInt32BE(0)) {
          const end = 4 + received.readInt32BE(0);
          const frame = received.subarray(4, end);
          received = received.subarray(end);
          const take = waiting.shift();
          if (take === undefined) frames.push(frame);
          else take(frame);
        }
      },
      close: () => onClosed(),
      error: () => onClosed(),
    },
  });
  const nextFrame = (): Promise<Buffer> => {
    const frame = frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve, reject) => {
      waiting.push(resolve);
      void closed.then(() => reject(new Error("the broker closed the connection")));
    });
  };
  let unsent = Promise.resolve();
  const sendBytes = (bytes: Uint8Array): void => {
    unsent = unsent.then(async () => {
      for (let rest = bytes; rest.byteLength > 0; ) {
        const sent = socket.write(rest);
        if (sent < 0) return;
        rest = rest.subarray(sent);
        if (rest.byteLength > 0) await Bun.sleep(1);
      }
    });
  };
  const post = (api: ApiGrammar, request: WireValue, version = versionOf(api)): number => {
    sendBytes(requestBytes(api, request, version, ++lastCorrelationId));
    return lastCorrelationId;
  };
  return {
    closed,
    sendBytes,
    nextFrame,
    post,
    async call(api, request, version = versionOf(api)) {
      const correlationId = post(api, request, version);
      const frame = await nextFrame();
      if (frame.readInt32BE(0) !== correlationId) throw new Error("the broker answered another request");
      const flexible = version >= api.flexibleFrom;
      const start = flexible && api.apiKey !== grammars.apiVersions.apiKey ? 5 : 4;
      return decode(api.response, frame.subarray(start), version, flexible);
    },
    async [Symbol.asyncDispose]() {
      await unsent;
      socket.end();
      await closed;
    },
  };
}
