import { afterAll, beforeAll, describe } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { mendRequestQueue } from "../../../src/kafka/request-queue.ts";
import { ContractContext, type RunningKafka, START_TIMEOUT_MS } from "./context.ts";
import { askVersions } from "./raw-client.ts";
import { badRecordScenarios } from "./scenarios/bad-records.ts";
import { configScenarios } from "./scenarios/configs.ts";
import { connectionScenarios } from "./scenarios/connection.ts";
import { deletionScenarios } from "./scenarios/deletion.ts";
import { fetchScenarios } from "./scenarios/fetch.ts";
import { groupsScenarios } from "./scenarios/groups.ts";
import { produceScenarios } from "./scenarios/produce.ts";
import { recordsScenarios } from "./scenarios/records.ts";
import { saslScenarios } from "./scenarios/sasl.ts";
import { sessionScenarios } from "./scenarios/sessions.ts";
import { topicsScenarios } from "./scenarios/topics.ts";
import { transactionFaultScenarios } from "./scenarios/transaction-faults.ts";
import { transactionsScenarios } from "./scenarios/transactions.ts";

export interface KafkaContractOptions {
  /** Which broker this is, for people. */
  readonly name: string;
  readonly start: () => Promise<RunningKafka>;
  /** Scenarios that this broker cannot pass, by title, each with the reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** What ordinary clients may expect of a Kafka broker: the embedded one, and every real one. */
export function kafkaContract({ name, start, skip = {} }: KafkaContractOptions): void {
  mendRequestQueue();
  describe(`Kafka's contract, by ${name}`, () => {
    const context = new ContractContext(skip);
    beforeAll(async () => {
      const broker = await start();
      const { host, port } = broker.address;
      const kafka = new Kafka({
        clientId: "contract",
        brokers: [`${host}:${port}`],
        logLevel: logLevel.NOTHING,
        retry: { initialRetryTime: 20, maxRetryTime: 500, retries: 12 },
      });
      context.started({ broker, kafka, versions: await askVersions(broker.address) });
    }, START_TIMEOUT_MS);
    afterAll(() => context.broker().stop(), START_TIMEOUT_MS);

    recordsScenarios(context);
    produceScenarios(context);
    badRecordScenarios(context);
    deletionScenarios(context);
    fetchScenarios(context);
    sessionScenarios(context);
    groupsScenarios(context);
    transactionsScenarios(context);
    transactionFaultScenarios(context);
    topicsScenarios(context);
    configScenarios(context);
    connectionScenarios(context);
    saslScenarios(context);
  });
}
