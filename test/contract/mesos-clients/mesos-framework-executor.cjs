// An executor with npm's mesos-framework: MODULE. Its task runs until it is killed; messages are answered.
const http = require("node:http");
const { randomUUID } = require("node:crypto");
const { Executor } = require(process.argv[2]);

// The class leaves `subscribe` out of SUBSCRIBE, which no agent has taken since Mesos 1.0.
const { request } = http;
http.request = (...parameters) => {
  const made = request(...parameters);
  const { write } = made;
  made.write = (body) => write.call(made, body.replace('"type":"SUBSCRIBE"', '"type":"SUBSCRIBE","subscribe":{}'));
  return made;
};

const uuid = () => Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64");
const status = (task_id, state) => ({ task_id, state, source: "SOURCE_EXECUTOR", uuid: uuid(), timestamp: Date.now() / 1000 });
let waiting = 0;
let leaving = false;

const executor = new Executor({
  handlers: {
    SUBSCRIBED: (_subscribed) => undefined,
    LAUNCH: ({ task }) => {
      waiting++;
      executor.update(status(task.task_id, "TASK_RUNNING"));
    },
    KILL: ({ task_id }) => {
      waiting++;
      executor.update(status(task_id, "TASK_KILLED"));
    },
    ACKNOWLEDGED: (_acknowledged) => {
      waiting--;
      if (leaving && waiting === 0) process.exit(0);
    },
    MESSAGE: ({ data }) => executor.message(`you said ${Buffer.from(data, "base64")}`),
    ERROR: (_error) => process.exit(2),
    SHUTDOWN: (_shutdown) => {
      leaving = true;
      if (waiting === 0) process.exit(0);
    },
  },
});
executor.on("error", (error) => process.stderr.write(`${error}\n`));
executor.subscribe();
