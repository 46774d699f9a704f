/** The part of kafkajs 2.2.4's table of error codes that is used here (src/protocol/error.js). */
interface ErrorTable {
  createErrorFromCode(code: number): Error;
}

/** An error that a broker sent, as kafkajs would throw it: Kafka's name of the code is its `type`. */
export function errorOfCode(code: number): Error {
  return errorTable().createErrorFromCode(code);
}

function errorTable(): ErrorTable {
  return require("kafkajs/src/protocol/error") as ErrorTable;
}
