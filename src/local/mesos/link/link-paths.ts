/*
 * The way between a master and agents that are processes of their own. Mesos has a protocol of its own there, which no
 * framework ever sees; this one is Brigade's:
 *
 *     POST /brigade/agent-link          {"version":1,"agentId":null}  (an id, where the agent has one)
 *       ← 200, headers Brigade-Agent-Id and Brigade-Stream-Id, then orders in RecordIO for as long as both live
 *     POST /brigade/agent-link/reports  with header Brigade-Stream-Id, one report each, in order on one connection
 *       ← 202
 *
 * A master that does not lead answers 307, as everywhere.
 */

export const linkPath = "/brigade/agent-link";
export const reportsPath = `${linkPath}/reports`;
export const linkVersion = 1;
export const agentIdHeader = "Brigade-Agent-Id";
export const streamIdHeader = "Brigade-Stream-Id";
