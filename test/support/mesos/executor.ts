/*
 * A small Mesos executor for tests, in JSON and with nothing of Brigade's in it. It takes its orders from
 * TaskInfo.data, as JSON: {"exit": 3} ends the executor with that code, {"forever": true} runs until KILL, {"silent":
 * true} sends no TASK_RUNNING, {"ignoreKill": true} does what it says; anything else finishes at once.
 */

interface Order {
  exit?: number;
  forever?: boolean;
  silent?: boolean;
  ignoreKill?: boolean;
}

interface Event {
  type: string;
  launch?: { task: { task_id: { value: string }; data?: string } };
  kill?: { task_id: { value: string } };
  message?: { data: string };
}

const ids = {
  executor_id: { value: process.env.MESOS_EXECUTOR_ID ?? "" },
  framework_id: { value: process.env.MESOS_FRAMEWORK_ID ?? "" },
};
const processName = (process.env.MESOS_SLAVE_PID ?? "").split("@")[0] ?? "";
const url = `http://${process.env.MESOS_AGENT_ENDPOINT}/${processName}/api/v1/executor`;
const running = new Map<string, Order>();

function call(body: object): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ ...ids, ...body }),
    timeout: false,
  } as RequestInit);
}

async function update(taskId: string, state: string, data?: string): Promise<void> {
  const uuid = Buffer.from(crypto.randomUUID().replaceAll("-", ""), "hex").toString("base64");
  const status = { task_id: { value: taskId }, state, uuid, source: "SOURCE_EXECUTOR", executor_id: ids.executor_id };
  const answer = await call({
    type: "UPDATE",
    update: { status: { ...status, ...(data === undefined ? {} : { data: Buffer.from(data).toString("base64") }) } },
  });
  if (answer.status !== 202) process.stderr.write(`${answer.status} ${await answer.text()}\n`);
}

async function handle(event: Event): Promise<void> {
  if (event.type === "LAUNCH" && event.launch !== undefined) {
    const { task_id: taskId, data = "" } = event.launch.task;
    const text = Buffer.from(data, "base64").toString();
    const order = (text.startsWith("{") ? JSON.parse(text) : {}) as Order;
    running.set(taskId.value, order);
    process.stdout.write(`launched ${taskId.value}\n`);
    if (order.silent !== true) await update(taskId.value, "TASK_RUNNING");
    if (order.exit !== undefined) process.exit(order.exit);
    if (order.forever !== true) await end(taskId.value, "TASK_FINISHED", `output of ${taskId.value}`);
  } else if (event.type === "KILL" && event.kill !== undefined) {
    const taskId = event.kill.task_id.value;
    if (running.get(taskId)?.ignoreKill !== true) await end(taskId, "TASK_KILLED");
  } else if (event.type === "MESSAGE" && event.message !== undefined) {
    await call({ type: "MESSAGE", message: { data: event.message.data } });
  } else if (event.type === "SHUTDOWN") {
    for (const taskId of running.keys()) await end(taskId, "TASK_KILLED");
    process.exit(0);
  }
}

async function end(taskId: string, state: string, data?: string): Promise<void> {
  running.delete(taskId);
  await update(taskId, state, data);
}

/** Reads one stream to its end. */
async function follow(stream: ReadableStream<Uint8Array>): Promise<void> {
  let buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    buffer = Buffer.concat([buffer, chunk]);
    for (let lineFeed = buffer.indexOf(10); lineFeed >= 0; lineFeed = buffer.indexOf(10)) {
      const length = Number(buffer.toString("latin1", 0, lineFeed));
      if (buffer.byteLength < lineFeed + 1 + length) break;
      const record = buffer.toString("utf8", lineFeed + 1, lineFeed + 1 + length);
      buffer = buffer.subarray(lineFeed + 1 + length);
      await handle(JSON.parse(record) as Event);
    }
  }
}

/** With a checkpoint the agent may come back: subscribe again until it does. */
for (let subscribed = false; ; ) {
  try {
    const subscribe = { unacknowledged_tasks: [], unacknowledged_updates: [] };
    const answer = await call({ type: "SUBSCRIBE", subscribe });
    if (answer.status === 200 && answer.body !== null) {
      subscribed = true;
      await follow(answer.body);
    }
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
  }
  if (process.env.MESOS_CHECKPOINT !== "1" || !subscribed) process.exit(1);
  await Bun.sleep(50);
}

export {};
