/*
 * Confluent's Kafka client (librdkafka) under Node: `confluent-client.cjs MODULE BROKER`. Does what applications do, and
 * prints what came of it as one line of JSON.
 */
const [modulePath, broker] = process.argv.slice(2);
const { KafkaJS, librdkafkaVersion } = require(modulePath);

const kafka = new KafkaJS.Kafka({
  kafkaJS: { brokers: [broker], clientId: "confluent", logLevel: KafkaJS.logLevel.NOTHING },
});
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];
const PARTITIONS = 4;
const RECORDS = 2000;
const PACKED = 100;

async function send(options, topic, messages) {
  const producer = kafka.producer(options);
  await producer.connect();
  await producer.send({ topic, messages });
  await producer.disconnect();
}

/** Reads with so many members, who begin together, until they have seen so many records; the result is what each saw. */
async function readGroup(groupId, topic, members, count, whenAssigned = async () => undefined) {
  const seen = Array.from({ length: members }, () => []);
  let complete;
  const isComplete = new Promise((resolve) => {
    complete = resolve;
  });
  const consumers = seen.map(() => kafka.consumer({ kafkaJS: { groupId, fromBeginning: true } }));
  for (const [index, consumer] of consumers.entries()) {
    await consumer.connect();
    await consumer.subscribe({ topic });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        seen[index].push({ partition, ...message });
        if (seen.reduce((sum, records) => sum + records.length, 0) >= count) complete();
      },
    });
  }
  while (consumers.some((consumer) => consumer.assignment().length !== PARTITIONS / members)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await whenAssigned();
  await isComplete;
  for (const consumer of consumers) {
    await consumer.commitOffsets();
    await consumer.disconnect();
  }
  return seen;
}

function isInOrderOfKeys(records) {
  const last = new Map();
  return records.every(({ key, value }) => {
    const [name, number] = [String(key), Number(value)];
    const isNext = number > (last.get(name) ?? -1);
    last.set(name, number);
    return isNext;
  });
}

const numbersOf = (records) => records.map(({ value }) => Number(value)).sort((a, b) => a - b);

async function idempotentGroup() {
  const messages = Array.from({ length: RECORDS }, (_, i) => {
    return { key: `key-${i % 10}`, value: `${i}`, headers: { number: `${i}` } };
  });
  const produce = () => send({ kafkaJS: { idempotent: true } }, "keyed", messages);
  const seen = await readGroup("readers", "keyed", 2, RECORDS, produce);
  const all = seen.flat();
  const distinct = new Set(numbersOf(all));
  return {
    records: all.length,
    distinct: distinct.size,
    inOrder: seen.every(isInOrderOfKeys),
    headers: all.every(({ value, headers }) => String(headers.number) === String(value)),
  };
}

async function codecs() {
  for (const codec of CODECS) {
    // To each partition: left to itself, the client may pass one by.
    const messages = Array.from({ length: PACKED }, (_, i) => ({
      partition: i % PARTITIONS,
      value: `${codec} ${i} ${"repeated ".repeat(20)}`,
    }));
    await send({ "compression.codec": codec }, "packed", messages);
  }
  const all = (await readGroup("unpackers", "packed", 1, PACKED * CODECS.length)).flat();
  const values = [...new Set(all.map(({ value }) => String(value)))];
  return Object.fromEntries(CODECS.map((codec) => [codec, values.filter((text) => text.startsWith(`${codec} `)).length]));
}

async function transactions() {
  const producer = kafka.producer({ kafkaJS: { transactionalId: "confluent", transactionTimeout: 30_000 } });
  await producer.connect();
  for (const [index, isKept] of [true, false, true].entries()) {
    const transaction = await producer.transaction();
    const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, value: `${index}` }));
    await transaction.send({ topic: "transactions", messages });
    await (isKept ? transaction.commit() : transaction.abort());
  }
  await producer.disconnect();
  return numbersOf((await readGroup("committed", "transactions", 1, 2 * PARTITIONS)).flat());
}

async function administration(admin) {
  const { groups } = await admin.listGroups();
  const described = await admin.describeGroups(["readers"]);
  const [committed] = await admin.fetchOffsets({ groupId: "readers", topics: ["keyed"] });
  const ends = await admin.fetchTopicOffsets("keyed");
  const sum = (items, field) => items.reduce((total, item) => total + Number(item[field]), 0);
  await admin.deleteTopicRecords({ topic: "packed", partitions: [{ partition: 0, offset: "1" }] });
  const packed = await admin.fetchTopicOffsets("packed");
  await admin.deleteGroups(["readers"]);
  await admin.deleteTopics({ topics: ["keyed"] });
  return {
    groups: groups.map(({ groupId }) => groupId).sort(),
    state: described.groups[0].state === KafkaJS.ConsumerGroupStates.EMPTY,
    lag: sum(ends, "high") - sum(committed.partitions, "offset"),
    firstPacked: Number(packed.find(({ partition }) => partition === 0).low),
    topics: (await admin.listTopics()).sort(),
  };
}

async function main() {
  const admin = kafka.admin();
  await admin.connect();
  const topics = ["keyed", "packed", "transactions"].map((topic) => ({ topic, numPartitions: PARTITIONS }));
  const created = [await admin.createTopics({ topics }), await admin.createTopics({ topics })];
  const result = {
    created,
    group: await idempotentGroup(),
    codecs: await codecs(),
    transactions: await transactions(),
    administration: await administration(admin),
  };
  await admin.disconnect();
  return result;
}

main().then(
  (result) => {
    process.stdout.write(`${JSON.stringify({ librdkafkaVersion, ...result })}\n`);
    process.exit(0);
  },
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
