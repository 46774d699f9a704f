// A scheduler with npm's mesos-framework: MODULE HOST PORT EXECUTOR LOGS. Runs two command tasks by the library's own
// handling of offers, then one in its Executor class, to which it talks; prints what it saw as JSON.
const [module_, host, port, executorScript, logs] = process.argv.slice(2);
const { Scheduler, Mesos } = require(module_);
const mesos = Mesos.getMesos();

const seen = { commands: 0, executor: [], messages: [], errors: [] };
const json = (name, value) => ({ name, type: "SCALAR", scalar: { value } });
let wanted = false;

const scheduler = new Scheduler({
  masterUrl: host,
  port: Number(port),
  frameworkName: "foreign",
  user: require("node:os").userInfo().username,
  logging: { path: logs, fileName: "scheduler.log", level: "error" },
  tasks: {
    commands: {
      priority: 1,
      instances: 2,
      commandInfo: new mesos.CommandInfo(null, null, true, 'test -n "$HOST" && sleep 0.1', null, null),
      resources: { cpus: 0.2, mem: 32, ports: 0, disk: 0 },
    },
  },
});

scheduler.on("error", (error) => {
  // It says so of every end of its stream, also of the one that its TEARDOWN brings.
  if (error.message !== "Long-running connection was closed!") seen.errors.push(error.message ?? String(error));
});

const known = new Set();
scheduler.on("update", ({ status }) => {
  // An update whose acknowledgement takes long comes again.
  const uuid = String(status.uuid);
  if (known.has(uuid)) return;
  known.add(uuid);
  const id = status.task_id.value;
  if (id !== "in-executor") {
    if (status.state === "TASK_FINISHED" && ++seen.commands === 2) wanted = true;
    if (wanted) scheduler.revive();
    return;
  }
  seen.executor.push(status.state);
  if (status.state === "TASK_RUNNING") scheduler.message(status.agent_id.value, "foreign", "ping");
  if (status.state === "TASK_KILLED") scheduler.teardown();
});

scheduler.on("message", ({ executorId, data }) => {
  seen.messages.push(`${executorId.value}: ${data}`);
  scheduler.kill("in-executor", agentId);
});

let agentId = "";
// The library declines what it has no task for; this one is taken before it does.
const { decline } = scheduler;
scheduler.decline = function (offerIds, filters) {
  if (!wanted) return decline.call(scheduler, offerIds, filters);
  wanted = false;
  const [{ value }] = offerIds;
  const offer = lastOffers.find(({ id }) => id.value === value);
  agentId = offer.agent_id.value;
  const executor = {
    executor_id: { value: "foreign" },
    command: { shell: true, value: `exec node '${executorScript}' '${module_}'` },
    resources: [json("cpus", 0.1), json("mem", 64)],
  };
  const task = {
    name: "in-executor",
    task_id: { value: "in-executor" },
    agent_id: offer.agent_id,
    resources: [json("cpus", 0.1), json("mem", 32)],
    executor,
  };
  scheduler.accept(offerIds, { type: "LAUNCH", launch: { task_infos: [task] } }, null);
};
let lastOffers = [];
scheduler.customEventHandlers.OFFERS = function (offers) {
  lastOffers = offers.offers;
  require(`${module_}/lib/schedulerHandlers`).OFFERS.call(scheduler, offers);
};

scheduler.on("sent_teardown", () => {
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
});
scheduler.on("ready", () => scheduler.subscribe());
