import { describe, expect } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { saslUser } from "../../../support/real-kafka.ts";
import { becomes, type ContractContext } from "../context.ts";
import { grammars } from "../grammars.ts";
import { connectRaw, type RawClient } from "../raw-client.ts";
import { metadataRequest, strangersHeartbeat } from "../requests.ts";

function plain(username: string, password: string): Buffer {
  return Buffer.from(`\0${username}\0${password}`);
}

export function saslScenarios(context: ContractContext): void {
  const withStranger = async (run: (client: RawClient) => Promise<void>): Promise<void> => {
    await using client = await connectRaw(context.broker().saslAddress);
    await run(client);
  };

  describe("clients that must tell who they are", () => {
    context.scenario("are served once they have, and are not asked again", async () => {
      await withStranger(async (client) => {
        const versions = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
        expect(await client.call(grammars.apiVersions, versions, 3)).toMatchObject({ errorCode: 0 });
        const handshake = await client.call(grammars.saslHandshake, { mechanism: "PLAIN" });
        expect(handshake).toEqual({ errorCode: 0, mechanisms: ["PLAIN"] });
        const authBytes = plain(saslUser.username, saslUser.password);
        expect(await client.call(grammars.saslAuthenticate, { authBytes })).toMatchObject({ errorCode: 0 });
        expect(await client.call(grammars.heartbeat, strangersHeartbeat)).toMatchObject({ errorCode: 25 });
      });
    });

    context.scenario("may tell it as old clients do, without a request", async () => {
      await withStranger(async (client) => {
        expect(await client.call(grammars.saslHandshake, { mechanism: "PLAIN" }, 0)).toMatchObject({ errorCode: 0 });
        const token = plain(saslUser.username, saslUser.password);
        client.sendBytes(Buffer.concat([Buffer.of(0, 0, 0, token.byteLength), token]));
        expect((await client.nextFrame()).byteLength).toBe(0);
        expect(await client.call(grammars.heartbeat, strangersHeartbeat)).toMatchObject({ errorCode: 25 });
      });
    });

    context.scenario("are not served before, and learn nothing", async () => {
      await withStranger(async (client) => {
        client.post(grammars.metadata, metadataRequest([]), 9);
        await client.closed;
      });
      await withStranger(async (client) => {
        const authBytes = plain(saslUser.username, saslUser.password);
        client.post(grammars.saslAuthenticate, { authBytes });
        await client.closed;
      });
    });

    context.scenario("are told what is wrong, and their connection is closed", async () => {
      await withStranger(async (client) => {
        const handshake = await client.call(grammars.saslHandshake, { mechanism: "SCRAM-SHA-512" });
        expect(handshake).toEqual({ errorCode: 33, mechanisms: ["PLAIN"] });
        await client.closed;
      });
      const tokens = [
        plain(saslUser.username, "another"),
        plain("bob", saslUser.password),
        plain(saslUser.username, ""),
        Buffer.from("nonsense"),
        Buffer.from(`bob\0${saslUser.username}\0${saslUser.password}`),
      ];
      for (const authBytes of tokens) {
        await withStranger(async (client) => {
          await client.call(grammars.saslHandshake, { mechanism: "PLAIN" });
          const answer = await client.call(grammars.saslAuthenticate, { authBytes });
          expect(answer["errorCode"]).toBe(58);
          expect(answer["errorMessage"]).not.toContain(saslUser.password);
          await client.closed;
        });
      }
    });

    context.scenario("need not where everybody is served", async () => {
      await context.withRaw(async (client) => {
        expect(await client.call(grammars.saslHandshake, { mechanism: "PLAIN" })).toMatchObject({ errorCode: 34 });
      });
    });

    context.scenario("of kafkajs do it by themselves", async (topic) => {
      const { host, port } = context.broker().saslAddress;
      const clientOf = (password: string): Kafka =>
        new Kafka({
          brokers: [`${host}:${port}`],
          logLevel: logLevel.NOTHING,
          sasl: { mechanism: "plain", username: saslUser.username, password },
          retry: { retries: 0 },
        });
      const admin = clientOf(saslUser.password).admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic }] });
      await becomes(async () => (await admin.listTopics()).includes(topic), true);
      await admin.disconnect();
      const stranger = clientOf("another").admin();
      const refused = await stranger.connect().catch((error: unknown) => error);
      expect(String(refused)).toContain("Invalid username or password");
    });
  });
}
